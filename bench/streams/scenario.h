#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "support/program.h"
#include "tailrace/engine/request.h"
#include "tailrace/load/arrivals.h"
#include "tailrace/plan/handles.h"

// Frames of many streams come faster than they can be served, and only the latest of each is of use.
namespace streams {

namespace tr = tailrace;
using namespace std::chrono_literals;

inline constexpr auto mean = 1ms;    // what one takes
inline constexpr auto fresh = 50ms;  // an answer is of use until its frame is so old
inline constexpr unsigned places = 2;
inline constexpr double capacity = places * 1000.;  // frames a second
inline constexpr std::uint64_t seed = 7;
inline constexpr std::uint32_t streams = 64;

struct Arm {
  std::string name;
  bool latest, ordered;
  std::uint32_t in_flight() const { return latest ? streams : 4096; }
};
inline const std::vector<Arm> arms = {
    {"waiting", false, false}, {"waiting, ordered", false, true}, {"latest, ordered", true, true}};

tr::Plan<int, int> plan();
tr::load::Arrivals arrivals(double load);
// What frame `n`, which comes at `due`, asks for.
tr::Request request_of(const Arm& arm, std::uint64_t n, tr::TimePoint due);

// One frame's end.
struct Answer {
  std::uint64_t number = 0;
  tr::TimePoint due{}, at{};
  tr::Code code = tr::Code::none;
};
// What became of the frames of one run.
struct Fate {
  double delivered = 0, superseded = 0, refused = 0, lost = 0;  // shares of all
  double fresh = 0, rate = 0;  // fresh answers, and all while frames came, a second, as a share of the capacity
  double p50 = 0, p99 = 0;     // of the age, seconds
  std::uint64_t older = 0;
};
// `answers` in the order in which they came.
Fate fate_of(const std::vector<Answer>& answers, std::uint64_t frames, double seconds);

Fate simulated(const Arm& arm, double load, std::uint64_t frames);
Fate live(const Arm& arm, double load, std::uint64_t frames);

}  // namespace streams
