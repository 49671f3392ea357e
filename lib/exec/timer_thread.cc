#include "exec/timer_thread.h"

#include <sys/prctl.h>

namespace tailrace::detail {

TimerThread::~TimerThread() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    spinning_.store(false, std::memory_order_relaxed);
  }
  changed_.notify_one();
  if (!thread_.joinable()) return;
  if (thread_.get_id() == std::this_thread::get_id()) thread_.detach();
  else thread_.join();
}

bool TimerThread::start() noexcept {
  if (thread_.joinable()) return true;
  try {
    thread_ = std::thread([this] { loop(); });
    return true;
  } catch (...) {
    return false;
  }
}

void TimerThread::arm(TimePoint due, Timer& timer) noexcept {
  Lock lock(mutex_);
  if (!start()) {
    lock.unlock();
    timer.place = 0;
    return timer.fire(timer);  // no thread for it: better early than never
  }
  wheel_.arm(due, timer);
  if (due >= awaited_) return;
  awaited_ = TimePoint::min();  // it is told once
  spinning_.store(false, std::memory_order_relaxed);
  lock.unlock();
  changed_.notify_one();
}

bool TimerThread::cancel(Timer& timer) noexcept {
  std::lock_guard lock(mutex_);
  return wheel_.disarm(timer);
}

Duration TimerThread::spun() noexcept {
  std::lock_guard lock(mutex_);
  return spun_;
}

// Lets time pass until something is due, or something else has changed, or a part of it.
void TimerThread::pass_until(Lock& lock, TimePoint due, TimePoint now) noexcept {
  awaited_ = due;
  wake_ = policy::pass(wake_, now);
  const TimePoint wake = policy::wake_before(wake_, due);
  if (due == never) {
    changed_.wait(lock);
  } else if (now < wake) {
    if (changed_.wait_until(lock, wake) == std::cv_status::timeout)
      wake_ = policy::observe_sleep(wake_, Clock::now() - wake);
  } else {
    spinning_.store(true, std::memory_order_relaxed);
    lock.unlock();
    TimePoint seen = now;
    while (seen < due && spinning_.load(std::memory_order_relaxed)) {
      __builtin_ia32_pause();
      seen = Clock::now();
    }
    lock.lock();
    wake_ = policy::observe_spin(wake_, seen - now);
    spun_ += seen - now;
  }
  awaited_ = TimePoint::min();
}

void TimerThread::loop() noexcept {
  prctl(PR_SET_TIMERSLACK, 1);  // of this thread, nanoseconds: what it sleeps for is not to be collected with others
  Lock lock(mutex_);
  while (!stopping_) {
    const TimePoint now = Clock::now();
    Timer* const due = wheel_.take_due(now);
    if (!due) {
      pass_until(lock, wheel_.next(), now);
      continue;
    }
    lock.unlock();
    due->fire(*due);
    lock.lock();
  }
}

}  // namespace tailrace::detail
