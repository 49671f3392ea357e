#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tailrace/engine/timer_wheel.h"

namespace tailrace::detail {

// Tasks and timers of an executor that has no thread: one thread at a time runs them, in the order in which they became
// ready, due timers first. Which thread that is changes: whoever ticks or waits takes a turn if nobody has it. A thread
// inside one of the tasks has the turn already, so that it may wait. The clock is the executor's.
class SerialWork {
 public:
  explicit SerialWork(Executor& executor) : executor_(executor) {}
  virtual ~SerialWork() = default;  // REQUIRES: nothing is ready, armed or running
  SerialWork(const SerialWork&) = delete;
  SerialWork& operator=(const SerialWork&) = delete;

  void spawn(Task& task) noexcept;
  void arm(TimePoint due, Timer& timer) noexcept;
  bool cancel(Timer& timer) noexcept;

  // Runs what is ready until `word` is no longer `seen` or `until` has passed.
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept;
  void wake() noexcept;

  // Runs what is ready, one piece at least, until `until` has passed. Does nothing while another thread has the turn,
  // and inside a task.
  Ticked run(TimePoint until) noexcept;
  bool should_yield() noexcept;

 protected:
  using Lock = std::unique_lock<std::mutex>;
  // There is nothing to do before `until`, because nothing is ready or (`theirs`) because another thread has the turn:
  // lets time pass until then or until `changed`, perhaps less.
  virtual void idle(Lock& lock, std::condition_variable& changed, TimePoint until, bool theirs) noexcept = 0;
  // Runs one task or due timer; false: there is none. REQUIRES: this thread has the turn.
  bool run_one(Lock& lock) noexcept;

  bool is_free() const noexcept { return turn_ == std::thread::id(); }  // nobody is running anything

  std::mutex mutex_;
  TimerWheel timers_;
  bool full_ = false;      // no task may begin now
  bool in_front_ = false;  // what is spawned before the timer that fires has returned goes to the front, the last first
  std::uint32_t ready_ = 0;

 private:
  class Turn;
  void look_again(Lock& lock) noexcept;
  void put(Task& task, Task* behind) noexcept;
  Task* take() noexcept;

  Executor& executor_;
  std::condition_variable changed_;
  unsigned sleepers_ = 0;
  Task* first_ = nullptr;
  Task* last_ = nullptr;
  Task* front_ = nullptr;      // the last one of those in front
  Task* front_end_ = nullptr;  // the same once the timer that fires has returned
  std::thread::id turn_{};     // the thread that runs tasks; none: anybody may
  // Of the thread that has the turn, which alone looks at them.
  TimePoint yield_at_ = never;
  bool fresh_ = false;  // the task that runs has not run a block yet
};

}  // namespace tailrace::detail
