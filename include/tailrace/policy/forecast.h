#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "tailrace/core/clock.h"
#include "tailrace/policy/sketch.h"

namespace tailrace {

// What hedging a stage would do to it, by a model of its queue. Pure arithmetic: no clock, no allocation, and the same
// figures with every compiler.
struct HedgeForecast {
  double p99 = 0;     // seconds, from arrival to answer
  double work = 0;    // more work than without copies, as a share of it; below 0: copies save some
  double copies = 0;  // per call
  double chance = 0;  // that a copy overtakes its call
};

// What is known of the stage.
struct HedgeModel {
  std::array<double, LatencySketch::buckets> share{};  // of calls' times, by bucket; sums to 1
  std::size_t first = 0, end = 0;                      // buckets that hold anything
  double load = 0;                                     // of the places, without copies
  std::uint32_t places = 0;                            // 0: any number
  double stop = 0;  // seconds that a loser goes on after it was told to end; run_on: to its own end

  static constexpr double run_on = -1;

  HedgeModel(const LatencySketch& calls, double load_of_places, std::uint32_t number_of_places, double losers_stop);

  // A copy of calls that have been at it for `delay`. Times of call and copy are independent, T = min(X, d + Y). Both
  // wait for a place as in M/G/c: with the probability of Sakasegawa (1977), and then for an exponential time whose
  // mean is (E S^2 / 2 E S) / (c (1 - load)), S being what calls and copies keep places for. They come in pairs, which
  // wait longer than as many apart: c is the number of places divided by 1 + s / 2, s being the share of all work that
  // is done beside a rival. (Hayward's approximation for peaked traffic divides by 1 + s; half of it is nearer to what
  // simulations say of 2 and 4 places.)
  HedgeForecast with_copies_at(Duration delay) const noexcept;
  HedgeForecast without() const noexcept;
};

}  // namespace tailrace
