#pragma once
#include <atomic>
#include <cstdint>
#include <string_view>

#include "tailrace/core/clock.h"

namespace tailrace {

class Executor;

// Something to run once. Lives inside what it works on, so that handing it over needs no memory.
struct Task {
  void (*run)(Task&) noexcept = nullptr;
  Task* next = nullptr;  // the executor's, while it holds the task
};

// Something to do at a time. Lives inside what it works on.
struct Timer {
  void (*fire)(Timer&) noexcept = nullptr;
  TimePoint due{};          // the executor's from here on, while it is armed
  std::uint32_t place = 0;  // 0: not armed
  Timer *next = nullptr, *previous = nullptr;
};

// A stretch of simulated time (sim/service.h). Lives inside what it works on.
struct Work : Timer {
  void (*over)(Work&) noexcept = nullptr;
  bool (*wanted)(const Work&) noexcept = nullptr;  // whether somebody waits for it still; null: yes
  std::string_view where{};      // the stage's path: calls are counted by it; lives as long as the executor is asked
  bool holds_worker = true;      // as code that computes does; false: a device's or another machine's time
  bool goes_on = false;          // the call was counted before
  Executor* executor = nullptr;  // the executor's from here on, while it is under way
  std::uint32_t stage = 0;
  TimePoint began{};
};

// What a tick did, and what it left.
struct Ticked {
  std::uint32_t ran = 0;   // tasks and timers that it ran
  std::uint32_t left = 0;  // tasks that are ready still
  TimePoint next = never;  // when the earliest timer is due; a host with nothing left to tick may sleep until then
};

// Where work runs and what time it is: all that an engine needs of threads and clocks. The library brings oneTBB, a
// plain thread pool, one without threads (exec/tick.h) and one on a virtual clock (sim/virtual_time.h); implement this
// for a job system of your own. Every member may be called from any thread, and none may throw.
class Executor {
 public:
  virtual ~Executor() = default;

  virtual TimePoint now() const noexcept = 0;

  // Runs the task soon, on a worker. The task is untouched after its `run` has begun, and may then be spawned again.
  // The engine may end as soon as `run` returns, and this executor with it, unless it waits for its threads. The
  // library's own begin tasks in the order in which they were spawned; under overload another order makes more late.
  virtual void spawn(Task& task) noexcept = 0;

  // Fires the timer at `due` or soon after, on a thread that is not a worker or on one that is: what fires is short.
  // REQUIRES: it is not armed.
  virtual void wake_at(TimePoint due, Timer& timer) noexcept = 0;
  // True: it was armed and will not fire. False: it has fired, is firing, or was never armed.
  virtual bool cancel(Timer& timer) noexcept = 0;

  // Tasks that can run at the same time; 0: there is no thread, and work advances only in tick() and wait().
  virtual unsigned concurrency() const noexcept = 0;
  // Whether the calling thread is running a task of this executor; of one that shares threads, whether it is one of
  // those that run its tasks.
  virtual bool on_worker() const noexcept = 0;
  // Whether its threads also run a host's own work, which may call an engine and wait there. Such a call does
  // everything on its thread, because the tasks that it would wait for may need that thread.
  virtual bool shares_threads() const noexcept { return false; }

  // Returns once `word` is no longer `seen`, or `until` has passed, or sometimes for no reason. Executors without
  // threads run tasks meanwhile.
  virtual void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept = 0;
  // Wakes those who wait for `word`. Touches only its address, never its value.
  virtual void wake(const std::atomic<std::uint32_t>& word) noexcept = 0;

  // ---- executors without threads; the others leave these as they are

  // Runs what is ready on the calling thread, for about `budget`.
  virtual Ticked tick(Duration budget) noexcept {
    (void)budget;
    return {};
  }
  // A stage whose time is simulated: `work` takes from now to `due`, and then its `over` is called as a timer is fired.
  // False: time is real here, and the caller waits for it. REQUIRES: it is not under way.
  virtual bool occupy(TimePoint due, Work& work) noexcept {
    (void)due, (void)work;
    return false;
  }
  // A task asks before each of its blocks: true means that it should end now, and what is left of it be spawned again.
  virtual bool should_yield() noexcept { return false; }
};

}  // namespace tailrace
