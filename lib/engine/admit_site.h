#pragma once
#include <cstdint>

#include "tailrace/core/atomic.h"
#include "tailrace/policy/admit.h"

namespace tailrace::detail {

// What all requests share of one place where they get turns: the policy's State. Every member may be called from any
// thread; none waits: while another thread holds the State a request is admitted, and a sample forgotten.
class AdmitSite {
 public:
  // `lack`: how much longer one who is refused would need than it has, and one turn more.
  bool admits(const AdmitSnapshot& seen, Duration* lack = nullptr) noexcept {
    if (!lock()) return true;
    const bool may = policy_.decide(seen, state_) == Admission::admit;
    if (!may && lack) *lack = policy_.need(seen, state_) - seen.left + to_duration(state_.turn * 1e-9);
    unlock();
    return may;
  }
  void observe(const AdmitSample& sample) noexcept {
    if (!lock()) return;
    policy_.observe(state_, sample);
    turn_.store(to_duration(state_.turn * 1e-9).count(), std::memory_order_relaxed);
    unlock();
  }
  // How long a turn takes, of late.
  Duration turn() const noexcept { return Duration(turn_.load(std::memory_order_relaxed)); }

 private:
  bool lock() noexcept {
    return locked_.load(std::memory_order_relaxed) == 0 && !locked_.exchange(1, std::memory_order_acquire);
  }
  void unlock() noexcept { locked_.store(0, std::memory_order_release); }

  const AdmitInTime policy_{};
  AdmitInTime::State state_;
  Atomic<std::uint32_t> locked_{0};
  Atomic<Duration::rep> turn_{0};
};

}  // namespace tailrace::detail
