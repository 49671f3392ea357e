#include "tailrace/exec/tick.h"

#include <new>

#include "tailrace/engine/serial_work.h"
#include "tailrace/engine/worker.h"

namespace tailrace {
namespace {

class LentThread final : public detail::SerialWork {
 public:
  using SerialWork::SerialWork;

 private:
  void idle(Lock& lock, std::condition_variable& changed, TimePoint until, bool) noexcept override {
    if (until == never) changed.wait(lock);
    else changed.wait_until(lock, until);
  }
};

class Tick final : public Executor {
 public:
  TimePoint now() const noexcept override { return Clock::now(); }
  void spawn(Task& task) noexcept override { work_.spawn(task); }
  void wake_at(TimePoint due, Timer& timer) noexcept override { work_.arm(due, timer); }
  bool cancel(Timer& timer) noexcept override { return work_.cancel(timer); }
  unsigned concurrency() const noexcept override { return 0; }
  bool on_worker() const noexcept override { return detail::current_executor == this; }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept override {
    work_.wait(word, seen, until);
  }
  void wake(const std::atomic<std::uint32_t>&) noexcept override { work_.wake(); }
  Ticked tick(Duration budget) noexcept override {
    const TimePoint start = now();
    return work_.run(budget < never - start ? start + budget : never);
  }
  bool should_yield() noexcept override { return work_.should_yield(); }

 private:
  LentThread work_{*this};
};

}  // namespace

Built<std::shared_ptr<Executor>> tick_executor() {
  try {
    return std::shared_ptr<Executor>(std::make_shared<Tick>());
  } catch (const std::bad_alloc&) {
    return Problems(Code::out_of_memory, "executor", "there is not enough memory for an executor");
  }
}

}  // namespace tailrace
