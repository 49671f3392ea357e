#include "tailrace/policy/batch_plan.h"

#include <algorithm>
#include <limits>

namespace tailrace {
namespace {

// Sums of times that differ by less than this share are the same but for rounding.
constexpr double rounding = 1e-12;
constexpr double many_others = 40;

}  // namespace

BatchPlan::BatchPlan(std::uint32_t most)
    : most_(std::clamp(most, 1u, most_rows)),
      run_(most_ + 1),
      total_(2 * most_ + 1),
      padded_(most_ + 1),
      first_(2 * most_ + 1) {
  for (const double others : {0., 1., 3., 8., 20.}) weighed_.push_back({others, first_});
}

BatchPlan::BatchPlan(const BatchTimes& times, std::uint32_t most) : BatchPlan(most) {
  renew([&](std::uint32_t n) { return times.seconds(n); });
}

void BatchPlan::cut() noexcept {
  known_ = true;
  for (std::uint32_t n = most_; n >= 1; --n) {
    const bool pads = n < most_ && run_[n + 1] < run_[n];
    if (pads) run_[n] = run_[n + 1];
    padded_[n] = pads ? padded_[n + 1] : n;
  }
  const auto each = [&](std::uint32_t n) { return run_[n] / n; };
  best_ = 1;
  for (std::uint32_t n = 2; n <= most_; ++n)
    if (each(n) < each(best_) * (1 - rounding)) best_ = n;
  for (Weighed& w : weighed_) weigh(w);
  for (std::uint32_t n = 1; n <= 2 * most_; ++n) {
    total_[n] = run_[1] + total_[n - 1];
    first_[n] = 1;
    for (std::uint32_t k = 2; k <= std::min(n, most_); ++k) {
      const double total = run_[k] + total_[n - k], best = total_[n];
      const bool same = total <= best * (1 + rounding) && each(k) < each(first_[n]) * (1 - rounding);
      if (total < best * (1 - rounding) || same) first_[n] = k;
      total_[n] = std::min(total, best);
    }
  }
}

// As the least time, but that a call makes all who are left and all others wait. `total_` is room for the sums.
void BatchPlan::weigh(Weighed& w) noexcept {
  for (std::uint32_t n = 1; n <= 2 * most_; ++n) {
    total_[n] = std::numeric_limits<double>::infinity();
    for (std::uint32_t k = 1; k <= std::min(n, most_); ++k) {
      const double waits = run_[k] * (n + w.others) + total_[n - k];
      if (waits >= total_[n] * (1 - rounding)) continue;
      total_[n] = waits;
      w.first[n] = k;
    }
  }
}

std::uint32_t BatchPlan::first(std::uint32_t n, double others) const noexcept {
  if (n >= first_.size() || others >= many_others) return first(n);
  std::size_t i = weighed_.size() - 1;
  while (i > 0 && weighed_[i].others > others) --i;
  return weighed_[i].first[n];
}

double BatchPlan::total(std::uint32_t n) const noexcept {
  if (n < total_.size()) return total_[n];
  const std::uint32_t calls = (n - most_) / best_;  // of the best size, until no more than twice `most` are left
  const std::uint32_t left = n - calls * best_;
  return calls * run_[best_] + total_[std::min<std::uint32_t>(left, 2 * most_)];
}

}  // namespace tailrace
