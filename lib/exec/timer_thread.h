#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "tailrace/engine/executor.h"

namespace tailrace::detail {

// Fires timers, on one thread that the first of them starts. Timers stand in a binary heap: arming and disarming take
// O(log n) under a lock, and memory only when more are armed than ever before. A firing timer belongs to whoever armed
// it: cancel() has answered "too late" for good, so the two can never both act.
class TimerThread {
 public:
  ~TimerThread();  // REQUIRES: no timer is armed

  void arm(TimePoint due, Timer& timer) noexcept;
  bool cancel(Timer& timer) noexcept;

 private:
  void loop() noexcept;
  bool start() noexcept;
  void put(std::size_t place, Timer* timer) noexcept;
  void sift_up(std::size_t place) noexcept;
  void sift_down(std::size_t place) noexcept;
  void remove(Timer& timer) noexcept;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Timer*> heap_;  // heap_[0] is unused, so that place 0 means "not armed"
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tailrace::detail
