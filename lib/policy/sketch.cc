#include "tailrace/policy/sketch.h"

#include <algorithm>
#include <bit>
#include <chrono>

namespace tailrace {
namespace {

using Nanoseconds = std::chrono::duration<std::int64_t, std::nano>;

constexpr double growth = 1 + 0.6931471805599453 / LatencySketch::half_life;
constexpr double largest_weight = 1e6;

}  // namespace

// 16 buckets for each octave: the position of the highest bit, and the four bits behind it. Below 16 ns every
// nanosecond has its own.
std::size_t LatencySketch::bucket_of(Duration took) noexcept {
  const auto ns =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::chrono::duration_cast<Nanoseconds>(took).count()));
  if (ns < 16) return ns;
  const auto octave = static_cast<std::size_t>(std::bit_width(ns)) - 4;
  return std::min(octave * 16 + ((ns >> (octave - 1)) & 15), buckets - 1);
}

double LatencySketch::middle_of(std::size_t bucket) noexcept {
  if (bucket < 16) return static_cast<double>(bucket);
  const auto octave = bucket / 16;
  const auto width = std::uint64_t{1} << (octave - 1);
  return static_cast<double>((16 + bucket % 16) * width) + static_cast<double>(width - 1) / 2;
}

void LatencySketch::count(Duration value, Weights& where) noexcept {
  const std::size_t bucket = bucket_of(value);
  where[bucket] += static_cast<float>(next_);
  end_ = std::max(end_, bucket + 1);
  ++count_;
  next_ *= growth;
  if (next_ < largest_weight) return;
  for (Weights* all : {&weight_, &cut_})
    for (float& w : *all) w = static_cast<float>(static_cast<double>(w) / next_);
  next_ = 1;
}

// Of those that got as far as a bucket, the share that ended there; values that were cut off there got further.
std::array<double, LatencySketch::buckets> LatencySketch::shares() const noexcept {
  std::array<double, buckets> share{};
  if (end_ == 0) return share;
  double left = 0, survive = 1;
  for (std::size_t b = 0; b < end_; ++b) left += static_cast<double>(weight_[b]) + static_cast<double>(cut_[b]);
  std::size_t last = 0;
  for (std::size_t b = 0; b < end_; ++b) {
    const double ended = static_cast<double>(weight_[b]);
    if (ended > 0 && left > 0) {
      share[b] = survive * std::min(1.0, ended / left);
      survive -= share[b];
      last = b;
    }
    left -= ended + static_cast<double>(cut_[b]);
  }
  share[last] += std::max(0.0, survive);
  return share;
}

Duration LatencySketch::quantile(double q) const noexcept {
  const auto share = shares();
  double below = 0;
  std::size_t last = 0;
  for (std::size_t b = 0; b < end_; ++b) {
    if (share[b] == 0) continue;
    last = b;
    below += share[b];
    if (below >= q) break;
  }
  return std::chrono::duration_cast<Duration>(Nanoseconds(static_cast<std::int64_t>(middle_of(last))));
}

}  // namespace tailrace
