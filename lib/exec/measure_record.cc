#include "exec/measure_record.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tailrace::detail {

double quantile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::min(std::max<std::size_t>(rank, 1), sorted.size()) - 1];
}

Record::Record(std::string where, std::string variant) {
  cost_.where = std::move(where);
  cost_.variant = std::move(variant);
}

void Record::add(double seconds, double bytes) {
  const std::uint64_t n = cost_.time.calls++;
  cost_.time.min = n ? std::min(cost_.time.min, seconds) : seconds;
  sum_ += seconds;
  bytes_ += bytes;
  if (round_.size() < most) round_.push_back(seconds);
  if (kept_.size() < most) return kept_.push_back(seconds);
  draws_ = draws_ * 6364136223846793005u + 1442695040888963407u;  // Knuth's linear congruential generator
  if (const auto place = (draws_ >> 33) % (n + 1); place < most) kept_[place] = seconds;
}

void Record::fail(std::string_view why) {
  if (cost_.failures++ == 0) cost_.error = why;
}

// Rounds run the same inputs in the same order, so that a call's place says whose it is.
void Record::compare_rounds() {
  const std::size_t slowest = round_.size() / 10;
  std::vector<double> sorted = round_;
  std::sort(sorted.begin(), sorted.end());
  const double limit = slowest ? sorted[sorted.size() - slowest] : 0;
  std::vector<bool> slow(round_.size());
  if (slowest && limit > sorted[sorted.size() - slowest - 1])  // else it is not clear which are the slowest ones
    for (std::size_t i = 0; i < slow.size(); ++i) slow[i] = round_[i] >= limit;
  const auto marked = [](const std::vector<bool>& calls) { return std::count(calls.begin(), calls.end(), true); };
  if (slow_.size() == slow.size() && marked(slow_) && marked(slow)) {
    compared_ += slow.size();
    slow_once_ += slowest;
    for (std::size_t i = 0; i < slow.size(); ++i) slow_again_ += slow_[i] && slow[i];
  }
  slow_ = std::move(slow);
}

void Record::end_round() {
  if (round_.empty()) return;
  compare_rounds();
  std::sort(round_.begin(), round_.end());
  medians_.push_back(quantile(round_, .5));
  round_.clear();
}

void Record::forget() { *this = Record(std::move(cost_.where), std::move(cost_.variant)); }

Cost Record::cost() {
  Times& t = cost_.time;
  if (entered_) cost_.share = static_cast<double>(through_) / static_cast<double>(entered_);
  if (!t.calls) return cost_;
  std::sort(kept_.begin(), kept_.end());
  std::sort(medians_.begin(), medians_.end());
  t.p50 = quantile(kept_, .5);
  t.p90 = quantile(kept_, .9);
  t.p99 = quantile(kept_, .99);
  t.min = std::min(t.min, t.p50);
  t.mean = std::max(t.min, sum_ / static_cast<double>(t.calls));
  cost_.bytes = bytes_ / static_cast<double>(t.calls);
  constexpr std::uint64_t enough = 20;  // slow calls
  if (slow_once_ >= enough) {
    const double chance = static_cast<double>(slow_once_) / static_cast<double>(compared_);
    const double again = static_cast<double>(slow_again_) / static_cast<double>(slow_once_);
    cost_.of_input = std::max(0., (again - chance) / (1 - chance));
  }
  if (!medians_.empty() && quantile(medians_, .5) > 0)
    t.spread = (quantile(medians_, .75) - quantile(medians_, .25)) / quantile(medians_, .5);
  return cost_;
}

}  // namespace tailrace::detail
