#include "tailrace/policy/wake.h"

namespace tailrace::policy {
namespace {

constexpr Duration least_step{100}, longest{500'000};

// One step of stochastic approximation towards the quantile: where a share `q` of values is below it, steps up and down
// balance.
Duration towards(Duration quantile, double q, Duration value) noexcept {
  const double step = static_cast<double>(std::max(quantile / 16, least_step).count());
  const auto moved = static_cast<Duration::rep>(value > quantile ? step * q : -step * (1 - q));
  return std::clamp(quantile + Duration(moved), Duration{}, longest);
}

}  // namespace

WakeState pass(WakeState state, TimePoint now) noexcept {
  if (now <= state.filled) return state;
  const auto passed = std::min(now - std::max(state.filled, TimePoint{}), Duration(std::chrono::seconds(1)));
  state.left += Duration(static_cast<Duration::rep>(static_cast<double>(passed.count()) * spin_share));
  state.left = std::min(state.left, spin_burst);
  state.filled = now;
  return state;
}

TimePoint wake_before(const WakeState& state, TimePoint due) noexcept {
  if (state.left <= Duration{}) return due;
  const double full = static_cast<double>(state.left.count()) / static_cast<double>(spin_burst.count());
  const auto more = static_cast<double>((state.most - state.usual).count()) * full;
  return due - std::min(state.usual + Duration(static_cast<Duration::rep>(more)), state.left);
}

WakeState observe_sleep(WakeState state, Duration late) noexcept {
  state.usual = towards(state.usual, .2, late);
  state.most = std::max(towards(state.most, .9, late), state.usual);
  return state;
}

WakeState observe_spin(WakeState state, Duration spun) noexcept {
  state.left -= spun;
  return state;
}

}  // namespace tailrace::policy
