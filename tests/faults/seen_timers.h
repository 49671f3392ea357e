#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "tailrace/sim/virtual_time.h"

namespace tailrace::test {

// Virtual time that knows how many of the engine's timers are armed: those of deadlines, hedges and cut-offs, not what
// simulated stages take. Takes no memory. One thread.
class SeenTimers final : public sim::VirtualTime {
 public:
  explicit SeenTimers(const sim::VirtualTimeOptions& options) : inner_(sim::virtual_time(options).value()) {}

  std::size_t armed() const noexcept {
    std::size_t count = 0;
    for (const Timer* t : seen_) count += t && t->place != 0;
    return count;
  }

  void wake_at(TimePoint due, Timer& timer) noexcept override {
    note(timer);
    inner_->wake_at(due, timer);
  }
  bool cancel(Timer& timer) noexcept override { return inner_->cancel(timer); }

  TimePoint now() const noexcept override { return inner_->now(); }
  void spawn(Task& task) noexcept override { inner_->spawn(task); }
  unsigned concurrency() const noexcept override { return inner_->concurrency(); }
  bool on_worker() const noexcept override { return inner_->on_worker(); }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept override {
    inner_->wait(word, seen, until);
  }
  void wake(const std::atomic<std::uint32_t>& word) noexcept override { inner_->wake(word); }
  bool occupy(TimePoint due, Work& work) noexcept override { return inner_->occupy(due, work); }
  bool should_yield() noexcept override { return inner_->should_yield(); }
  Occupancy occupancy() const noexcept override { return inner_->occupancy(); }
  bool step() override { return inner_->step(); }
  bool run_to_next() override { return inner_->run_to_next(); }
  Ticked run_until(TimePoint time) noexcept override { return inner_->run_until(time); }
  Ticked run_until_idle() noexcept override { return inner_->run_until_idle(); }
  void suspend(Duration duration) noexcept override { inner_->suspend(duration); }
  void call_after(Duration duration, std::function<void()> f) override { inner_->call_after(duration, std::move(f)); }

 private:
  // Timers stand in frames, which stay for as long as their engine: each is noted once. Where there is no place left it
  // is not seen.
  void note(const Timer& timer) noexcept {
    auto at = reinterpret_cast<std::uintptr_t>(&timer) / 16 % seen_.size();
    for (std::size_t i = 0; i < seen_.size(); ++i, at = (at + 1) % seen_.size()) {
      if (seen_[at] == &timer) return;
      if (seen_[at]) continue;
      seen_[at] = &timer;
      return;
    }
  }

  const std::shared_ptr<sim::VirtualTime> inner_;
  std::array<const Timer*, 256> seen_{};
};

}  // namespace tailrace::test
