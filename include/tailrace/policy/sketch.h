#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "tailrace/core/clock.h"

namespace tailrace {

// How long something takes, as a histogram of fixed size: 16 buckets for each power of two of nanoseconds, so that a
// quantile is off by at most 1/32 of itself. Old values fade: one counts half after `half_life` further ones. Plain
// data: no allocation, no lock, and the same figures with every compiler.
//
//   LatencySketch sketch;
//   sketch.add(5ms);
//   Duration p95 = sketch.quantile(.95);
class LatencySketch {
 public:
  static constexpr std::size_t buckets = 16 * 40;  // up to 2^40 ns, some 18 minutes; what is longer counts as that
  static constexpr double half_life = 2000;

  void add(Duration took) noexcept;
  // The value that a share `q` (0 to 1) of what was added stays at or below; zero where nothing was added.
  Duration quantile(double q) const noexcept;
  // The share of what was added that took longer.
  double share_above(Duration took) const noexcept;
  // P(d + Y < X | X > d) for X and Y drawn apart from what was added: how often a copy started at the age d would win.
  double chance_to_overtake(Duration d) const noexcept;
  // How many values were added in all; does not fade.
  std::uint64_t count() const noexcept { return count_; }

 private:
  static std::size_t bucket_of(Duration took) noexcept;
  static double middle_of(std::size_t bucket) noexcept;  // in nanoseconds

  std::array<float, buckets> weight_{};
  double total_ = 0;
  double next_ = 1;  // weight of the next value: older ones fade by its growth
  std::uint64_t count_ = 0;
};

}  // namespace tailrace
