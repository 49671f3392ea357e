#pragma once
#include <cstdint>
#include <memory>
#include <utility>

#include "tailrace/core/atomic.h"
#include "tailrace/policy/catalog.h"

namespace tailrace::detail {

// What all requests share of one hedge: its policy with the State, and the budget. Stands in a Runtime, so that what
// was learned is not lost when a plan is replaced. Every member may be called from any thread; none waits for long.
class HedgeSite {
 public:
  // Throws std::bad_alloc.
  HedgeSite(std::shared_ptr<const HedgePolicy> policy, std::uint64_t seed);

  // A call begins: its share goes to the budget.
  void begin() noexcept;
  // Asks the policy. Where other threads hold the State for longer than a moment the answer is `leave`.
  HedgeAction decide(const HedgeSnapshot& seen, TimePoint now) noexcept;
  // Whether the policy wants to be told anything.
  bool learns() const noexcept { return !stateless_; }
  // Tells the policy; nothing where another thread holds the State.
  void observe(const HedgeSample& sample) noexcept;
  // Takes one copy out of the budget. False: there is none.
  bool take() noexcept;
  // Of a copy that could not be started after all.
  void give_back() noexcept;

  void count_won() noexcept { won_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t copies() const noexcept { return copies_.load(std::memory_order_relaxed); }
  std::uint64_t won() const noexcept { return won_.load(std::memory_order_relaxed); }
  std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

 private:
  bool lock(int looks) noexcept;
  void unlock() noexcept { locked_.store(0, std::memory_order_release); }

  const std::shared_ptr<const HedgePolicy> policy_;
  const std::unique_ptr<HedgePolicy::State> state_;
  const bool stateless_;
  std::int64_t share_ = 0, burst_ = -1;  // in millionths of a copy; burst below 0: no limit
  Atomic<std::uint32_t> locked_{0};
  Atomic<std::int64_t> left_{0};  // of the budget
  Atomic<std::uint64_t> copies_{0}, won_{0}, refused_{0};
};

}  // namespace tailrace::detail
