#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tailrace/engine/executor.h"
#include "tailrace/engine/timer_heap.h"

namespace tailrace::detail {

// Fires timers, on one thread that the first of them starts. Arming and disarming take O(log n) under a lock. A firing
// timer belongs to whoever armed it: cancel() has answered "too late" for good, so the two can never both act.
class TimerThread {
 public:
  ~TimerThread();  // REQUIRES: no timer is armed

  void arm(TimePoint due, Timer& timer) noexcept;
  bool cancel(Timer& timer) noexcept;

 private:
  void loop() noexcept;
  bool start() noexcept;

  std::mutex mutex_;
  std::condition_variable changed_;
  TimerHeap heap_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tailrace::detail
