#include "tailrace/engine/serial_work.h"

#include <algorithm>
#include <utility>

#include "tailrace/engine/worker.h"

namespace tailrace::detail {

// Has the turn while it lives, unless another thread has it.
class SerialWork::Turn {
 public:
  Turn(SerialWork& work, Lock& lock, TimePoint yield_at) noexcept : work_(work), lock_(lock), outer_(work.turn_) {
    mine_ = outer_ == std::thread::id() || outer_ == std::this_thread::get_id();
    if (!mine_) return;
    yield_at_ = std::exchange(work_.yield_at_, yield_at);  // what only the thread with the turn may look at
    fresh_ = work_.fresh_;
    work_.turn_ = std::this_thread::get_id();
  }
  ~Turn() {
    if (!mine_) return;
    work_.turn_ = outer_;
    work_.yield_at_ = yield_at_;
    work_.fresh_ = fresh_;
    if (!nested()) work_.look_again(lock_);  // somebody may wait for the turn
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  explicit operator bool() const noexcept { return mine_; }
  bool nested() const noexcept { return outer_ != std::thread::id(); }

 private:
  SerialWork& work_;
  Lock& lock_;
  std::thread::id outer_;
  TimePoint yield_at_ = never;
  bool fresh_ = false, mine_ = false;
};

void SerialWork::look_again(Lock&) noexcept {
  if (sleepers_) changed_.notify_all();
}

// Null: before all others.
void SerialWork::put(Task& task, Task* behind) noexcept {
  Task*& place = behind ? behind->next : first_;
  task.next = place;
  place = &task;
  if (!task.next) last_ = &task;
  ++ready_;
}

// The first one; null: there is none, or none may begin.
Task* SerialWork::take() noexcept {
  Task* const task = full_ ? nullptr : first_;
  if (!task) return nullptr;
  first_ = task->next;
  if (!first_) last_ = nullptr;
  if (task == front_) front_ = nullptr;
  --ready_;
  return task;
}

void SerialWork::spawn(Task& task) noexcept {
  Lock lock(mutex_);
  put(task, in_front_ ? front_ : last_);
  if (in_front_ && !front_end_) front_end_ = &task;
  look_again(lock);
}

void SerialWork::arm(TimePoint due, Timer& timer) noexcept {
  Lock lock(mutex_);
  timers_.arm(due, timer);
  look_again(lock);
}

bool SerialWork::cancel(Timer& timer) noexcept {
  Lock lock(mutex_);
  return timers_.disarm(timer);
}

bool SerialWork::run_one(Lock& lock) noexcept {
  if (Timer* const due = timers_.take_due(executor_.now())) {
    lock.unlock();
    due->fire(*due);
    lock.lock();
    in_front_ = false;
    if (Task* const end = std::exchange(front_end_, nullptr)) front_ = end;
    return true;
  }
  Task* const task = take();
  if (!task) return false;
  fresh_ = true;
  lock.unlock();
  run_as_worker(executor_, *task);
  lock.lock();
  return true;
}

void SerialWork::wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept {
  Lock lock(mutex_);
  while (word.load(std::memory_order_acquire) == seen && executor_.now() < until) {
    {
      Turn turn(*this, lock, until);
      bool ran = false;
      while (turn && word.load(std::memory_order_acquire) == seen && run_one(lock)) {
        ran = true;
        if (until != never && executor_.now() >= until) break;
      }
      if (ran) continue;
    }
    const bool theirs = turn_ != std::thread::id() && turn_ != std::this_thread::get_id();
    ++sleepers_;
    idle(lock, changed_, theirs ? until : std::min(until, timers_.next()), theirs);
    --sleepers_;
  }
}

void SerialWork::wake() noexcept {
  Lock lock(mutex_);
  look_again(lock);
}

Ticked SerialWork::run(TimePoint until) noexcept {
  Ticked ticked;
  Lock lock(mutex_);
  {
    Turn turn(*this, lock, until);
    if (turn && !turn.nested())
      while (run_one(lock)) {
        ++ticked.ran;
        if (until != never && executor_.now() >= until) break;
      }
  }
  ticked.left = full_ ? 0 : ready_;
  ticked.next = timers_.next();
  return ticked;
}

bool SerialWork::should_yield() noexcept {
  if (std::exchange(fresh_, false) || yield_at_ == never) return false;
  return executor_.now() >= yield_at_;
}

}  // namespace tailrace::detail
