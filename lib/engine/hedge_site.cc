#include "engine/hedge_site.h"

#include <algorithm>
#include <cmath>

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr std::int64_t one_copy = 1000000;

std::int64_t millionths(double copies) noexcept {
  return static_cast<std::int64_t>(std::llround(std::clamp(copies, 0.0, 1e9) * static_cast<double>(one_copy)));
}

}  // namespace

HedgeSite::HedgeSite(std::shared_ptr<const HedgePolicy> policy, std::uint64_t seed)
    : policy_(std::move(policy)), state_(policy_->start(seed)), stateless_(policy_->stateless()) {
  const HedgeBudget budget = policy_->budget();
  share_ = millionths(budget.share);
  if (budget.burst >= 0) burst_ = millionths(budget.burst);
  left_.store(std::max<std::int64_t>(burst_, 0), relaxed);
}

void HedgeSite::begin() noexcept {
  if (burst_ < 0) return;
  auto left = left_.load(relaxed);
  while (left < burst_ && !left_.compare_exchange_weak(left, std::min(left + share_, burst_), relaxed)) {
  }
}

bool HedgeSite::take() noexcept {
  auto left = left_.load(relaxed);
  while (burst_ >= 0) {
    if (left < one_copy) return refused_.fetch_add(1, relaxed), false;
    if (left_.compare_exchange_weak(left, left - one_copy, relaxed)) break;
  }
  copies_.fetch_add(1, relaxed);
  return true;
}

// Calls that began meanwhile may have filled it up again: then this one is lost.
void HedgeSite::give_back() noexcept {
  copies_.fetch_sub(1, relaxed);
  auto left = left_.load(relaxed);
  while (left < burst_ && !left_.compare_exchange_weak(left, std::min(left + one_copy, burst_), relaxed)) {
  }
}

bool HedgeSite::lock(int looks) noexcept {
  for (int i = 0; i < looks; ++i) {
    if (locked_.load(relaxed) == 0 && locked_.exchange(1, std::memory_order_acquire) == 0) return true;
    __builtin_ia32_pause();
  }
  return false;
}

HedgeAction HedgeSite::decide(const HedgeSnapshot& seen, TimePoint now) noexcept {
  if (stateless_) return policy_->decide(seen, now, *state_);
  if (!lock(looks_before_sleep)) return {};
  const HedgeAction action = policy_->decide(seen, now, *state_);
  unlock();
  return action;
}

void HedgeSite::observe(const HedgeSample& sample) noexcept {
  if (stateless_ || !lock(1)) return;
  policy_->observe(*state_, sample);
  unlock();
}

}  // namespace tailrace::detail
