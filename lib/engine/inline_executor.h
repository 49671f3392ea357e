#pragma once
#include <deque>
#include <memory_resource>
#include <vector>

#include "tailrace/core/atomic.h"
#include "tailrace/engine/task_queue.h"

namespace tailrace::detail {

// Runs what one request spawns on the thread that waits for it: for callers that are workers themselves, who must not
// block, and for executors without threads. Between requests, whatever is spawned late (by a Completion of an arm that
// has lost) goes to the executor behind it.
class InlineExecutor final : public Executor {
 public:
  explicit InlineExecutor(Executor& outer) noexcept : outer_(outer) {}

  TimePoint now() const noexcept override { return outer_.now(); }
  void spawn(Task& task) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      if (open_) {
        tasks_.push(task);
        return changed();
      }
    }
    outer_.spawn(task);
  }
  void wake_at(TimePoint due, Timer& timer) noexcept override { outer_.wake_at(due, timer); }
  bool cancel(Timer& timer) noexcept override { return outer_.cancel(timer); }
  unsigned concurrency() const noexcept override { return 1; }
  bool on_worker() const noexcept override { return true; }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept override {
    while (word.load(std::memory_order_acquire) == seen && now() < until) {
      const auto changes = changes_.load(std::memory_order_acquire);
      if (run_one()) continue;
      sleeping_.store(true);
      if (word.load() == seen) outer_.wait(changes_, changes, until);
      sleeping_.store(false, std::memory_order_relaxed);
    }
  }
  void wake(const std::atomic<std::uint32_t>&) noexcept override { changed(); }

  void open() noexcept {
    const std::lock_guard lock(mutex_);
    open_ = true;
  }
  // True once nothing is left to run here: from then on tasks go to the executor behind it.
  bool close() noexcept {
    const std::lock_guard lock(mutex_);
    open_ = !tasks_.empty();
    return !open_;
  }
  // Runs the oldest task; false: there is none.
  bool run_one() noexcept {
    Task* task;
    {
      const std::lock_guard lock(mutex_);
      task = tasks_.pop();
    }
    if (!task) return false;
    task->run(*task);
    return true;
  }

 private:
  void changed() noexcept {
    changes_.fetch_add(1);
    if (sleeping_.load()) outer_.wake(changes_);
  }
  Executor& outer_;
  Mutex mutex_;
  TaskQueue tasks_;
  bool open_ = false;
  Atomic<std::uint32_t> changes_{0};  // tasks spawned and wakes: what a waiting thread looks at
  Atomic<bool> sleeping_{false};      // that thread may be asleep
};

// An engine's inline executors. They live as long as the engine, because frames that losers hold may name one for long.
class InlineExecutors {
 public:
  explicit InlineExecutors(std::pmr::memory_resource* memory) : all_(memory), free_(memory) {}
  // Null where there is no memory.
  InlineExecutor* take(Executor& outer) noexcept {
    const std::lock_guard lock(mutex_);
    try {
      if (free_.empty()) {
        free_.reserve(all_.size() + 1);
        free_.push_back(&all_.emplace_back(outer));
      }
    } catch (...) {
      return nullptr;
    }
    InlineExecutor* const mine = free_.back();
    free_.pop_back();
    mine->open();
    return mine;
  }
  // REQUIRES: nobody uses or will use one.
  void clear() noexcept {
    free_.clear();
    all_.clear();
  }
  // REQUIRES: it is closed.
  void give_back(InlineExecutor& mine) noexcept {
    const std::lock_guard lock(mutex_);
    free_.push_back(&mine);
  }

 private:
  Mutex mutex_;
  std::pmr::deque<InlineExecutor> all_;
  std::pmr::vector<InlineExecutor*> free_;
};

}  // namespace tailrace::detail
