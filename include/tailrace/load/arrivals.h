#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/core/problems.h"
#include "tailrace/core/random.h"

// When requests arrive: the processes that a simulation and a load test have in common. Plain data; rates are requests
// a second.
namespace tailrace::load {

// Independent of each other, at one rate.
struct Poisson {
  double rate = 0;
};

// Poisson with a rate that changes between two at random (a Markov-modulated Poisson process): it keeps each for a time
// that is exponential with the mean given, and begins with either as often as it has it in the long run.
struct Mmpp {
  double rate_hi = 0, rate_lo = 0;
  Duration dwell_hi{}, dwell_lo{};
};

// Poisson with rates that change at known times. Before the first one nobody comes.
struct Step {
  struct Rate {
    Duration from{};  // since the start
    double rate = 0;
  };
  std::vector<Rate> rates;
};

// At times that were written down, since the start; they never fall.
struct Recorded {
  std::vector<Duration> times;
};

// No process of its own: each of so many clients sends its next request a while after it has the answer to the one
// before. They all begin at the start.
struct Closed {
  unsigned clients = 0;
  Duration think{};     // the while
  bool random = false;  // exponential, with that mean
};

using Arrivals = std::variant<Poisson, Mmpp, Step, Recorded, Closed>;

// What is wrong with it, if anything: rates or times below zero, nothing that ever arrives, times that fall.
Problems check(const Arrivals& arrivals);

// Arrivals from a text:
//
//   poisson:2000                     2000 a second
//   mmpp:4000,500,200ms,1s           rate_hi, rate_lo, dwell_hi, dwell_lo
//   step:500@0s,2000@10s,500@20s     rate@from
//   closed:8    closed:8,5ms         clients, and how long each thinks
//   csv:FILE    csv:FILE#COLUMN      times in a column of a file: see read_recorded
//
// Durations are a number and ns, us, ms, s or min. A mistake says what was found and what was expected.
Built<Arrivals> read_arrivals(std::string_view text);

// A file's times: seconds as decimal numbers, counted from the first one, one a line, in one column of what is
// separated by commas. The first line may name the columns; without `column` it is the one named `time`, or else the
// first. Blank lines are skipped. Problem::where is "FILE:LINE". At most 100 million times.
Built<Recorded> read_recorded(const std::string& file, std::string_view column = {});
// The same of a text, named `file` in problems.
Built<Recorded> parse_recorded(std::string_view text, const std::string& file, std::string_view column = {});

// A duration such as "1.5ms"; zero or more.
Built<Duration> read_duration(std::string_view text);

// The times of one run of a process, one after another. The same seed gives the same times everywhere.
class ArrivalTimes {
 public:
  // REQUIRES: check(arrivals) is empty, and they are not Closed.
  ArrivalTimes(Arrivals arrivals, std::uint64_t seed);

  // Since the start, never less than the one before; Duration::max(): no more.
  Duration next() noexcept;

 private:
  Duration next_of(const Poisson& p) noexcept;
  Duration next_of(const Mmpp& p) noexcept;
  Duration next_of(const Step& p) noexcept;
  Duration next_of(const Recorded& p) noexcept;
  Duration next_of(const Closed&) noexcept { return Duration::max(); }

  Arrivals arrivals_;
  Random random_;
  double now_ = 0;         // seconds
  double change_ = 0;      // when the rate changes next
  bool high_ = false;      // Mmpp
  std::size_t place_ = 0;  // Step: the rate that holds; Recorded: the next time
};

}  // namespace tailrace::load
