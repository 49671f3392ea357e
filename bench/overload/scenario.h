#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "support/program.h"
#include "tailrace/sim/distribution.h"

// Requests that want an answer within a goal come faster than they can be served.
namespace overload {

namespace tr = tailrace;
using namespace std::chrono_literals;

inline constexpr auto mean = 1ms;   // what one takes
inline constexpr auto goal = 20ms;  // from when it comes to its answer
inline constexpr unsigned places = 2;
inline constexpr double capacity = places * 1000.;  // requests a second

// How the same engine treats who would be late.
struct Arm {
  std::string name;
  bool deadline;  // it is told the goal
  bool shed;      // it refuses who would miss it
};
inline const std::vector<Arm> arms = {
    {"in order of arrival", false, false}, {"given up at the deadline", true, false}, {"shed", true, true}};

struct Service {
  std::string name;
  tr::sim::Distribution time;
};
std::vector<Service> services();

// Where they wait: for a turn at a stage of which there are `places`, or for one of that many threads.
enum class Wait { stage, thread };
std::string name(Wait wait);

// What became of the requests of one run.
struct Fate {
  double offered = 0;  // times the capacity
  double goodput = 0;  // answered within the goal, as a share of what the capacity allows
  double refused = 0;  // share of requests that were given up as `would_miss`
  double missed = 0;   // of those that were not given up, the share without an answer within the goal
  double p99 = 0;      // of those that were not given up, seconds; infinite where 1 % of them have no answer
  double anytime = 0;  // share of answers that a cut-off gave
  double second = 0;   // share of answers by the second rung
  double rate = 0;     // live: requests a second that were answered, in time or not
};
Fate simulated(const Arm& arm, const Service& service, Wait wait, double load, std::uint64_t requests);
// A cascade whose first rung takes a fifth of the mean and whose second one takes it, at an overload of the second.
Fate simulated_cascade(bool cut_off, double load, std::uint64_t requests);
// The same as `simulated` with threads, clocks and sleeping stages.
Fate live(const Arm& arm, const Service& service, Wait wait, double load, std::uint64_t requests);

// Of latencies in seconds, below 0 for those that were given up, and infinite for those that never came.
Fate fate_of(std::vector<double> latencies, double load, double seconds);

}  // namespace overload
