#include "tailrace/policy/sketch.h"

#include <algorithm>
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

void LatencySketch::add(Duration took) noexcept {
  weight_[bucket_of(took)] += static_cast<float>(next_);
  total_ += next_;
  ++count_;
  next_ *= growth;
  if (next_ < largest_weight) return;
  total_ = 0;
  for (float& w : weight_) {
    w = static_cast<float>(w / next_);
    total_ += static_cast<double>(w);
  }
  next_ = 1;
}

Duration LatencySketch::quantile(double q) const noexcept {
  if (count_ == 0) return {};
  const double wanted = q * total_;
  double below = 0;
  std::size_t last = 0;
  for (std::size_t b = 0; b < buckets; ++b) {
    if (weight_[b] == 0) continue;
    last = b;
    below += static_cast<double>(weight_[b]);
    if (below >= wanted) break;
  }
  return std::chrono::duration_cast<Duration>(Nanoseconds(static_cast<std::int64_t>(middle_of(last))));
}

double LatencySketch::share_above(Duration took) const noexcept {
  if (count_ == 0) return 0;
  double above = 0;
  for (std::size_t b = bucket_of(took) + 1; b < buckets; ++b) above += static_cast<double>(weight_[b]);
  return above / total_;
}

// One walk over X from above d on; Y's share below X - d grows along with it.
double LatencySketch::chance_to_overtake(Duration d) const noexcept {
  const auto from = bucket_of(d);
  const double at = middle_of(from);
  double above = 0, won = 0, faster = 0;
  std::size_t y = 0;
  for (std::size_t x = from + 1; x < buckets; ++x) {
    if (weight_[x] == 0) continue;
    for (; y < buckets && middle_of(y) < middle_of(x) - at; ++y) faster += static_cast<double>(weight_[y]);
    above += static_cast<double>(weight_[x]);
    won += static_cast<double>(weight_[x]) * faster / total_;
  }
  return above > 0 ? won / above : 0;
}

}  // namespace tailrace
