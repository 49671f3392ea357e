#pragma once
#include "tailrace/engine/executor.h"

namespace tailrace::detail {

// Runs what one request spawns on the thread that waits for it: for callers that are workers themselves, who must not
// block, and for executors without threads. Lives on that thread's stack.
class InlineExecutor final : public Executor {
 public:
  explicit InlineExecutor(Executor& outer) noexcept : outer_(outer) {}

  TimePoint now() const noexcept override { return outer_.now(); }
  void spawn(Task& task) noexcept override {
    task.next = nullptr;
    (last_ ? last_->next : first_) = &task;
    last_ = &task;
  }
  void wake_at(TimePoint due, Timer& timer) noexcept override { outer_.wake_at(due, timer); }
  bool cancel(Timer& timer) noexcept override { return outer_.cancel(timer); }
  unsigned concurrency() const noexcept override { return 1; }
  bool on_worker() const noexcept override { return true; }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint) noexcept override {
    while (word.load(std::memory_order_acquire) == seen && run_one()) {
    }
  }
  void wake(const std::atomic<std::uint32_t>&) noexcept override {}

  // Runs the oldest task; false: there is none.
  bool run_one() noexcept {
    Task* task = first_;
    if (!task) return false;
    first_ = task->next;
    if (!first_) last_ = nullptr;
    task->run(*task);
    return true;
  }

 private:
  Executor& outer_;
  Task* first_ = nullptr;
  Task* last_ = nullptr;
};

}  // namespace tailrace::detail
