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
    heap_.resize(1);
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
    timer.due = due;
    bool armed = start();
    if (armed) {
      try {
        heap_.push_back(&timer);
      } catch (...) {
        armed = false;
      }
    }
    if (armed) {
      sift_up(heap_.size() - 1);
      first = timer.place == 1;
    } else {
      timer.place = 0;
    }
    if (armed && !first) return;
  }
  if (first) changed_.notify_one();
  else timer.fire(timer);  // no thread or no memory for it: better early than never
}

bool TimerThread::cancel(Timer& timer) noexcept {
  std::lock_guard lock(mutex_);
  if (timer.place == 0) return false;
  remove(timer);
  return true;
}

void TimerThread::loop() noexcept {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (heap_.size() == 1) {
      changed_.wait(lock);
      continue;
    }
    Timer& next = *heap_[1];
    const TimePoint due = next.due;
    if (Clock::now() < due) {
      changed_.wait_until(lock, due);
      continue;
    }
    remove(next);
    lock.unlock();
    next.fire(next);
    lock.lock();
  }
}

// ---- the heap

void TimerThread::put(std::size_t place, Timer* timer) noexcept {
  heap_[place] = timer;
  timer->place = static_cast<std::uint32_t>(place);
}

void TimerThread::sift_up(std::size_t place) noexcept {
  Timer* const timer = heap_[place];
  for (; place > 1 && timer->due < heap_[place / 2]->due; place /= 2) put(place, heap_[place / 2]);
  put(place, timer);
}

void TimerThread::sift_down(std::size_t place) noexcept {
  Timer* const timer = heap_[place];
  for (;;) {
    std::size_t child = 2 * place;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->due < heap_[child]->due) ++child;
    if (!(heap_[child]->due < timer->due)) break;
    put(place, heap_[child]);
    place = child;
  }
  put(place, timer);
}

void TimerThread::remove(Timer& timer) noexcept {
  const std::size_t place = timer.place;
  timer.place = 0;
  Timer* const last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  put(place, last);
  sift_up(place);
  sift_down(last->place);
}

}  // namespace tailrace::detail
