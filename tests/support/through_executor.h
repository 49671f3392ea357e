#pragma once
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "support/settings.h"
#include "tailrace/engine/executor.h"
#include "tailrace/exec/pool.h"

// Executors that hand everything to another one, but for what a test wants to decide or see.
namespace tailrace::test {

class ThroughExecutor : public Executor {
 public:
  explicit ThroughExecutor(std::shared_ptr<Executor> inner) : inner_(std::move(inner)) {}
  TimePoint now() const noexcept override { return inner_->now(); }
  void spawn(Task& task) noexcept override { inner_->spawn(task); }
  void wake_at(TimePoint due, Timer& timer) noexcept override { inner_->wake_at(due, timer); }
  bool cancel(Timer& timer) noexcept override { return inner_->cancel(timer); }
  unsigned concurrency() const noexcept override { return inner_->concurrency(); }
  bool on_worker() const noexcept override { return inner_->on_worker(); }
  bool shares_threads() const noexcept override { return inner_->shares_threads(); }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept override {
    inner_->wait(word, seen, until);
  }
  void wake(const std::atomic<std::uint32_t>& word) noexcept override { inner_->wake(word); }

 protected:
  const std::shared_ptr<Executor> inner_;
};

// Its clock stands still until somebody lets it go on: what stages take is exact on a busy machine, too. No timer
// fires; who waits looks at the clock now and then.
class HandClock final : public ThroughExecutor {
 public:
  explicit HandClock(const Setting& setting)
      : ThroughExecutor(setting.executor ? setting.executor : pool_executor(setting.threads).value()) {}
  void go_on(Duration time) noexcept { now_ += time.count(); }
  TimePoint now() const noexcept override { return TimePoint(Duration(now_)); }
  void wake_at(TimePoint, Timer&) noexcept override {}
  bool cancel(Timer&) noexcept override { return true; }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept override {
    const TimePoint soon = until == never ? never : inner_->now() + std::chrono::milliseconds(1);
    if (now() < until) inner_->wait(word, seen, soon);
  }

 private:
  std::atomic<Duration::rep> now_{Duration(std::chrono::hours(1)).count()};
};

// Knows which threads have waited.
class SeesWaiting final : public ThroughExecutor {
 public:
  using ThroughExecutor::ThroughExecutor;
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      waited_.insert(std::this_thread::get_id());
    }
    inner_->wait(word, seen, until);
  }
  bool has_waited(std::thread::id thread) const {
    const std::lock_guard lock(mutex_);
    return waited_.count(thread) > 0;
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::thread::id> waited_;
};

// Knows which timers are armed that are due in ten seconds at the earliest.
class FarTimers final : public ThroughExecutor {
 public:
  explicit FarTimers(const Setting& setting)
      : ThroughExecutor(setting.executor ? setting.executor : pool_executor(setting.threads).value()) {}
  void wake_at(TimePoint due, Timer& timer) noexcept override {
    if (due != never && due - now() > std::chrono::seconds(10)) {
      const std::lock_guard lock(mutex_);
      armed_.insert(&timer);
    }
    inner_->wake_at(due, timer);
  }
  bool cancel(Timer& timer) noexcept override {
    const std::lock_guard lock(mutex_);
    const bool was_armed = inner_->cancel(timer);
    if (was_armed) armed_.erase(&timer);
    return was_armed;
  }
  std::size_t armed() const {
    const std::lock_guard lock(mutex_);
    return armed_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::set<const Timer*> armed_;
};

}  // namespace tailrace::test
