#include "tailrace/sim/virtual_time.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <new>
#include <vector>

#include "tailrace/engine/serial_work.h"
#include "tailrace/engine/worker.h"

namespace tailrace::sim {
namespace {

// Ready tasks and timers, and the clock that only moves when nothing is ready.
class VirtualWork final : public detail::SerialWork {
 public:
  VirtualWork(Executor& executor, const VirtualTimeOptions& options)
      : SerialWork(executor), workers_(options.workers), now_(options.start.time_since_epoch().count()) {}

  TimePoint now() const noexcept { return TimePoint(Duration(now_.load(std::memory_order_acquire))); }
  // Lets the clock jump to the next timer, or to `limit` where that is earlier. False: somebody is running a task.
  bool jump(TimePoint limit) noexcept {
    Lock lock(mutex_);
    if (!is_free()) return false;
    do advance(std::min(limit, timers_.next()));
    while (now() < limit && !timers_.is_due(now()));
    return true;
  }

  void suspend(Duration duration) noexcept {
    const Lock lock(mutex_);
    advance(now() + duration);
  }

  // A stage begins to take time. Where there is no memory for its name it is counted nowhere.
  void begin(TimePoint due, Work& work) noexcept {
    const Lock lock(mutex_);
    try {
      work.stage = stage_at(work);
    } catch (...) {
      work.stage = nameless;
    }
    timers_.arm(due, work);
    VirtualTime::StageUse& use = use_of(work);
    use.calls += !work.goes_on;
    if (!work.goes_on) work.began = now();
    ++use.running;
    hold(work.holds_worker);
  }
  // It is over; what follows it runs next, on the worker that it held.
  void end(const Work& work) noexcept {
    const Lock lock(mutex_);
    VirtualTime::StageUse& use = use_of(work);
    --use.running;
    if (work.wanted && !work.wanted(work)) use.wasted += now() - work.began;
    hold(-work.holds_worker);
    in_front_ = work.holds_worker;
  }
  VirtualTime::Occupancy occupancy() const noexcept { return {static_cast<std::uint32_t>(held_), ready_, stages_}; }

 private:
  static constexpr std::uint32_t nameless = ~0u;

  VirtualTime::StageUse& use_of(const Work& work) noexcept {
    return work.stage == nameless ? nameless_ : stages_[work.stage];
  }
  std::uint32_t stage_at(const Work& work) {
    std::uint32_t i = 0;
    while (i < stages_.size() && stages_[i].where != work.where) ++i;
    if (i == stages_.size()) stages_.push_back({std::string(work.where), 0, 0, work.holds_worker, {}});
    return i;
  }
  void hold(int more) noexcept {
    held_ += more;
    full_ = held_ >= static_cast<std::int64_t>(workers_);
  }
  void idle(Lock& lock, std::condition_variable& changed, TimePoint until, bool theirs) noexcept override {
    if (theirs || until == never) changed.wait(lock);
    else advance(until);
  }
  void advance(TimePoint time) noexcept {
    if (time > now()) now_.store(time.time_since_epoch().count(), std::memory_order_release);
  }
  const unsigned workers_;
  std::atomic<Duration::rep> now_;
  std::int64_t held_ = 0;  // workers; callers' threads that run a stage count, too
  std::vector<VirtualTime::StageUse> stages_;
  VirtualTime::StageUse nameless_{};
};

class Virtual final : public VirtualTime {
 public:
  explicit Virtual(const VirtualTimeOptions& options) : workers_(options.workers), work_(*this, options) {}

  TimePoint now() const noexcept override { return work_.now(); }
  void spawn(Task& task) noexcept override { work_.spawn(task); }
  void wake_at(TimePoint due, Timer& timer) noexcept override { work_.arm(due, timer); }
  bool cancel(Timer& timer) noexcept override { return work_.cancel(timer); }
  unsigned concurrency() const noexcept override { return workers_; }
  bool on_worker() const noexcept override { return detail::current_executor == this; }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept override {
    work_.wait(word, seen, until);
  }
  void wake(const std::atomic<std::uint32_t>&) noexcept override { work_.wake(); }

  bool occupy(TimePoint due, Work& work) noexcept override {
    work.executor = this;
    work.fire = [](Timer& timer) noexcept {
      Work& ended = static_cast<Work&>(timer);
      static_cast<Virtual*>(ended.executor)->work_.end(ended);
      ended.over(ended);
    };
    return work_.begin(due, work), true;
  }
  Occupancy occupancy() const noexcept override { return work_.occupancy(); }

  bool step() override {
    const Ticked ready = work_.run(TimePoint::min());
    if (ready.ran || ready.left) return ready.ran > 0;
    return ready.next != never && work_.jump(never);
  }
  bool run_to_next() override {
    const Ticked ready = work_.run(never);
    return ready.left == 0 && ready.next != never && work_.jump(never);
  }
  Ticked run_until(TimePoint time) noexcept override {
    Ticked total = run_timers(time);
    if (total.left == 0) work_.jump(time);
    return total;
  }
  Ticked run_until_idle() noexcept override { return run_timers(never); }
  void suspend(Duration duration) noexcept override { work_.suspend(duration); }
  void call_after(Duration duration, std::function<void()> f) override;

 private:
  // A call that is to come. First its timer fires, then its task runs.
  struct Later {
    struct Due : Timer {
      Later* later;
    } timer;
    struct Call : Task {
      Later* later;
    } task;
    Virtual* executor;
    std::function<void()> f;
    Later* next_free;
  };
  // Everything that is due until `limit`, at its time.
  Ticked run_timers(TimePoint limit) noexcept {
    Ticked total;
    for (;;) {
      const Ticked now = work_.run(never);
      total = {total.ran + now.ran, now.left, now.next};
      if (now.left || now.next > limit || now.next == never || !work_.jump(limit)) return total;
    }
  }
  Later& new_later(std::function<void()> f);
  void run(Later& later) noexcept;

  const unsigned workers_;
  VirtualWork work_;
  std::mutex mutex_;
  std::deque<Later> calls_;
  Later* free_ = nullptr;
};

Virtual::Later& Virtual::new_later(std::function<void()> f) {
  std::lock_guard lock(mutex_);
  Later* later = free_;
  if (later) free_ = later->next_free;
  else later = &calls_.emplace_back();
  later->executor = this;
  later->f = std::move(f);
  return *later;
}

void Virtual::run(Later& later) noexcept {
  const std::function<void()> f = std::move(later.f);
  {
    std::lock_guard lock(mutex_);
    later.next_free = free_;
    free_ = &later;
  }
  f();
}

void Virtual::call_after(Duration duration, std::function<void()> f) {
  Later& later = new_later(std::move(f));
  later.timer.later = later.task.later = &later;
  later.task.run = [](Task& task) noexcept {
    Later& due = *static_cast<Later::Call&>(task).later;
    due.executor->run(due);
  };
  later.timer.fire = [](Timer& timer) noexcept {
    Later& due = *static_cast<Later::Due&>(timer).later;
    due.executor->spawn(due.task);
  };
  wake_at(now() + duration, later.timer);
}

}  // namespace

Built<std::shared_ptr<VirtualTime>> virtual_time(const VirtualTimeOptions& options) {
  if (options.workers == 0)
    return Problems(Code::bad_value, "workers", "an executor on virtual time needs at least 1 worker; got 0");
  try {
    return std::shared_ptr<VirtualTime>(std::make_shared<Virtual>(options));
  } catch (const std::bad_alloc&) {
    return Problems(Code::out_of_memory, "executor", "there is not enough memory for an executor");
  }
}

}  // namespace tailrace::sim
