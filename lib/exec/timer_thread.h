#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tailrace/engine/executor.h"
#include "tailrace/engine/timer_wheel.h"
#include "tailrace/policy/wake.h"

namespace tailrace::detail {

// Fires timers, on one thread that the first of them starts. Arming and disarming take O(1) under a lock, and no
// memory. The thread sleeps until shortly before the earliest is due, and spins then, within the budget of
// policy/wake.h. A firing timer belongs to whoever armed it: cancel() has answered "too late" for good, so the two can
// never both act.
class TimerThread {
 public:
  ~TimerThread();  // REQUIRES: no timer is armed

  void arm(TimePoint due, Timer& timer) noexcept;
  bool cancel(Timer& timer) noexcept;
  Duration spun() noexcept;  // in all, until now

 private:
  using Lock = std::unique_lock<std::mutex>;
  void loop() noexcept;
  bool start() noexcept;
  void pass_until(Lock& lock, TimePoint due, TimePoint now) noexcept;

  std::mutex mutex_;
  std::condition_variable changed_;
  TimerWheel wheel_;
  policy::WakeState wake_;
  Duration spun_{};
  TimePoint awaited_ = TimePoint::min();  // what the thread sleeps or spins for; it need not hear of later timers
  std::atomic<bool> spinning_{false};     // cleared to end it
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tailrace::detail
