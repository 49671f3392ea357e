#pragma once
#include <array>

#include "tailrace/plan/profile.h"

namespace tailrace::detail {

// How likely a call takes longer than a time, from what was measured: the logarithm of that share falls on straight
// lines through min, p50, p90 and p99, and beyond p99 as steeply as before it. An exponential distribution is exact.
class Tail {
 public:
  // REQUIRES: times.known()
  explicit Tail(const Times& times) noexcept;

  double above(double seconds) const noexcept;  // P(longer), 0 to 1
  double at(double share) const noexcept;       // what this share of calls takes longer than. REQUIRES: 0 < share <= 1
  // How long what began `delay` ago goes on, on average, 0 where it has ended: the integral of P(longer than t) for t
  // from there on.
  double rest(double delay) const noexcept;
  // How long it and another one that begins at `delay` go on until the first of them ends, both drawn apart.
  double both(double delay) const noexcept;

 private:
  struct Point {
    double seconds, log_share;
  };
  double rate_behind(std::size_t point) const noexcept;

  std::array<Point, 4> points_;
};

// What a second call, `delay` seconds after the first one where that has not answered by then, makes of the two.
struct SecondCall {
  double delay = 0;  // seconds
  double p99 = 0;    // seconds; of the first answer
  double calls = 0;  // second calls for each call: the share of those that take longer. Losers that run on are as much
                     // work more
  double work = 0;   // how much more work that is where losers end at once, as a share of what there was
};

// With X and Y drawn apart, T = min(X, d + Y) and P(T > t) = P(X > t) P(Y > t - d): the distribution of a reissue
// (Dean and Barroso, "The Tail at Scale", 2013; Kaler, He and Elnikety, "Optimal reissue policies", 2017). Of a share
// `of_input` of inputs the second call takes as long as the first one: there T = X.
SecondCall second_call(const Times& times, double delay, double of_input) noexcept;

// The best one of those that begin `wake` seconds after the slowest tenth, twentieth, … of calls can be told: a per
// cent of second calls must take off a per cent of p99.
SecondCall best_second_call(const Times& times, double wake, double of_input) noexcept;

}  // namespace tailrace::detail
