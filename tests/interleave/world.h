#pragma once
#include <atomic>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "interleave/schedule.h"
#include "support/check.h"
#include "support/values.h"
#include "tailrace/engine/engine.h"
#include "tailrace/opt/optimise.h"

namespace tailrace::interleave {

// An executor whose workers and whose clock are threads of a schedule. The clock jumps to the next timer whenever the
// schedule lets it.
class SteeredExecutor final : public Executor {
 public:
  explicit SteeredExecutor(unsigned workers) : workers_(workers) {}

  // ---- what its threads do, until quiet() says that the case is over
  void work() noexcept;
  void tell_time() noexcept;
  std::function<bool()> callers_done = [] { return true; };
  std::size_t first_worker = 0;  // its number in the schedule
  std::size_t armed() const noexcept { return timers_.size(); }

  TimePoint now() const noexcept override;
  void spawn(Task& task) noexcept override;
  void wake_at(TimePoint due, Timer& timer) noexcept override;
  bool cancel(Timer& timer) noexcept override;
  unsigned concurrency() const noexcept override { return workers_; }
  bool on_worker() const noexcept override;
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept override;
  void wake(const std::atomic<std::uint32_t>& word) noexcept override;

 private:
  struct Waiter {
    const void* word;
    TimePoint until;
    bool woken = false;
  };
  bool quiet() const noexcept { return callers_done() && tasks_.empty() && busy_ == 0; }
  TimePoint next_event() const noexcept;
  void fire_due() noexcept;

  const unsigned workers_;
  unsigned busy_ = 0, waits_ = 0;
  TimePoint now_{};
  std::deque<Task*> tasks_;
  std::vector<Timer*> timers_;
  std::vector<Waiter*> waiters_;
};

// Counts outcomes, of which every request must have one.
struct Answers final : Observer {
  void on_event(const Event& e) noexcept override { count += e.kind == Event::Kind::answered; }
  int count = 0;  // one thread runs at a time
};

// One execution of a case: an engine, callers, and what must hold when all have returned.
class World {
 public:
  World(const Schedule::Pick& pick, unsigned workers)
      : pick_(pick), executor(std::make_shared<SteeredExecutor>(workers)), answers(std::make_shared<Answers>()) {}

  template <class In, class Out>
  Engine<In, Out> start(const Plan<In, Out>& plan, const Limits& limits = {4, 4}) {
    return Engine<In, Out>(detail::EngineCore::start(plan.share(), limits, executor, answers).value());
  }
  // Runs the callers beside the workers and the clock until all have returned and nothing is left to do.
  void run(std::vector<std::function<void()>> callers);

 private:
  const Schedule::Pick& pick_;

 public:
  const std::shared_ptr<SteeredExecutor> executor;
  const std::shared_ptr<Answers> answers;
};

}  // namespace tailrace::interleave
