#include "exec/timer_thread.h"

#include <system_error>

namespace tailrace::detail {

TimerThread::~TimerThread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (!thread_.joinable()) return;
  if (thread_.get_id() == std::this_thread::get_id()) thread_.detach();
  else thread_.join();
}

bool TimerThread::start() noexcept {
  if (thread_.joinable()) return true;
  try {
    heap_.reserve(1024);
    thread_ = std::thread([this] { loop(); });
    return true;
  } catch (...) {
    return false;
  }
}

void TimerThread::arm(TimePoint due, Timer& timer) noexcept {
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    timer.place = 0;
    if (start() && heap_.arm(due, timer)) {
      first = timer.place == 1;
      if (!first) return;
    }
  }
  if (first) changed_.notify_one();
  else timer.fire(timer);  // no thread or no memory for it: better early than never
}

bool TimerThread::cancel(Timer& timer) noexcept {
  std::lock_guard lock(mutex_);
  return heap_.disarm(timer);
}

void TimerThread::loop() noexcept {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (heap_.empty()) {
      changed_.wait(lock);
      continue;
    }
    Timer* const due = heap_.take_due(Clock::now());
    if (!due) {
      const TimePoint next = heap_.next();
      changed_.wait_until(lock, next);
      continue;
    }
    lock.unlock();
    due->fire(*due);
    lock.lock();
  }
}

}  // namespace tailrace::detail
