#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "tailrace/core/clock.h"

namespace tailrace {

// How long something takes, as a histogram of fixed size: 16 buckets for each power of two of nanoseconds, so that a
// quantile is off by at most 1/32 of itself. A value that was cut off counts for what is known of it, that it is
// longer: the distribution is the product-limit estimate (Kaplan and Meier). Old values fade: one counts half after
// `half_life` further ones. Plain data: no allocation, no lock, and the same figures with every compiler.
//
//   LatencySketch sketch;
//   sketch.add(5ms);
//   Duration p95 = sketch.quantile(.95);
class LatencySketch {
 public:
  static constexpr std::size_t buckets = 16 * 40;  // up to 2^40 ns, some 18 minutes; what is longer counts as that
  static constexpr double half_life = 4000;

  void add(Duration took) noexcept { count(took, weight_); }
  // It took longer than this; how much nobody knows.
  void add_longer_than(Duration age) noexcept { count(age, cut_); }
  // How many values were added in all; does not fade.
  std::uint64_t count() const noexcept { return count_; }

  // The value that a share `q` (0 to 1) stays at or below; zero where nothing was added. Beyond the last value that
  // was not cut off nothing is known, and it is that one.
  Duration quantile(double q) const noexcept;

  // The share of values that end in each bucket, of what is not known in the last one that is.
  std::array<double, buckets> shares() const noexcept;
  static double middle_of(std::size_t bucket) noexcept;  // in nanoseconds

 private:
  using Weights = std::array<float, buckets>;
  static std::size_t bucket_of(Duration took) noexcept;
  void count(Duration value, Weights& where) noexcept;

  Weights weight_{}, cut_{};
  double next_ = 1;  // weight of the next value: older ones fade by its growth
  std::uint64_t count_ = 0;
  std::size_t end_ = 0;  // one past the last bucket that has anything
};

}  // namespace tailrace
