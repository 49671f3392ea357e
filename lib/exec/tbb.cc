#include "tailrace/exec/tbb.h"

#include <oneapi/tbb/task_group.h>
#include <oneapi/tbb/task_scheduler_observer.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "exec/timer_thread.h"
#include "exec/wait.h"
#include "tailrace/engine/task_queue.h"
#include "tailrace/engine/worker.h"

namespace tailrace {
namespace {

namespace tbb = oneapi::tbb;

// The users' arenas with an executor that the calling thread is in, one inside the other.
struct Inside {
  static constexpr std::size_t depth = 16;  // further ones are not seen
  std::array<const void*, depth> arenas{};
  std::size_t count = 0;

  void enter(const void* arena) noexcept {
    if (count < depth) arenas[count] = arena;
    ++count;
  }
  void leave() noexcept { count -= count > 0; }
  bool has(const void* arena) const noexcept {
    const auto end = arenas.begin() + static_cast<std::ptrdiff_t>(std::min(count, depth));
    return std::find(arenas.begin(), end, arena) != end;
  }
};
thread_local Inside inside;

// Tasks wait here for the threads of an arena, which is only told that there are some. oneTBB itself begins what is
// enqueued in an order of its own, in which some wait many times as long as others (docs/design/0022-task-order.md).
class ArenaExecutor : public Executor {
 public:
  explicit ArenaExecutor(tbb::task_arena& arena) : arena_(arena) { arena_.initialize(); }

  TimePoint now() const noexcept override { return Clock::now(); }
  void wake_at(TimePoint due, Timer& timer) noexcept override { timers_.arm(due, timer); }
  bool cancel(Timer& timer) noexcept override { return timers_.cancel(timer); }
  unsigned concurrency() const noexcept override { return static_cast<unsigned>(arena_.max_concurrency()); }
  bool on_worker() const noexcept override { return detail::current_executor == this; }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept override {
    detail::wait_on(word, seen, until);
  }
  void wake(const std::atomic<std::uint32_t>& word) noexcept override { detail::wake_all(word); }

 protected:
  // Has a thread of the arena call it; where oneTBB has no memory, this one: here rather than never.
  template <class F>
  void enqueue(F serve) noexcept {
    try {
      arena_.enqueue(serve);
    } catch (...) {
      serve();
    }
  }
  std::mutex mutex_;
  TaskQueue tasks_;

 private:
  tbb::task_arena& arena_;
  detail::TimerThread timers_;
};

// An arena all of whose slots are for threads that are lent to it: each waits in it for a task that is not run until
// the end, and serves what is enqueued meanwhile. An arena of one slot, and only such a one, would be sent a thread of
// oneTBB's as well whenever something is enqueued, so there are two at least.
struct LentThreads {
  explicit LentThreads(unsigned count)
      : arena(static_cast<int>(slots(count)), slots(count)), last_task(group.defer([] {})) {}
  ~LentThreads() noexcept { end(); }
  static unsigned slots(unsigned count) noexcept { return std::max(count, 2u); }
  void start(unsigned count) {
    threads.reserve(count);
    while (threads.size() < count) threads.emplace_back([this] { arena.execute([this] { group.wait(); }); });
  }
  void end() noexcept {
    last_task = tbb::task_handle();  // nothing left to wait for: the threads come back
    for (auto& t : threads) t.join();
    threads.clear();
  }
  tbb::task_group group;
  tbb::task_arena arena;
  tbb::task_handle last_task;
  std::vector<std::thread> threads;
};

// Its threads have nothing else to do, so that one that serves goes on until nothing waits.
class OwnThreadsExecutor final : private LentThreads, public ArenaExecutor {
 public:
  explicit OwnThreadsExecutor(unsigned count) : LentThreads(count), ArenaExecutor(arena), count_(count) {
    start(count);
  }
  ~OwnThreadsExecutor() noexcept override {
    {
      std::unique_lock lock(mutex_);
      idle_.wait(lock, [&] { return serving_ == 0; });
    }
    end();
  }
  void spawn(Task& task) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push(task);
      if (serving_ == count_) return;
      ++serving_;
    }
    enqueue([this] { serve(); });
  }
  unsigned concurrency() const noexcept override { return count_; }

 private:
  Task* next() noexcept {
    const std::lock_guard lock(mutex_);
    Task* const task = tasks_.pop();
    if (!task && --serving_ == 0) idle_.notify_all();
    return task;
  }
  void serve() noexcept {
    while (Task* task = next()) detail::run_as_worker(*this, *task);
  }

  const unsigned count_;
  unsigned serving_ = 0;  // threads that do, or have been told to
  std::condition_variable idle_;
};

// An arena in which its user has work of his own: what is enqueued in it are tickets, each for the task that has waited
// longest, so that his work has its turn between them. A thread that was in it before this was made is not known to be.
class SharedArenaExecutor final : public ArenaExecutor, private tbb::task_scheduler_observer {
 public:
  explicit SharedArenaExecutor(tbb::task_arena& arena) : ArenaExecutor(arena), task_scheduler_observer(arena) {
    observe(true);
  }
  ~SharedArenaExecutor() override { observe(false); }
  void spawn(Task& task) noexcept override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push(task);
    }
    enqueue([this] { detail::run_as_worker(*this, oldest()); });
  }
  bool on_worker() const noexcept override { return ArenaExecutor::on_worker() || inside.has(this); }
  bool shares_threads() const noexcept override { return true; }

 private:
  Task& oldest() noexcept {
    const std::lock_guard lock(mutex_);
    return *tasks_.pop();  // there are as many as tickets
  }
  void on_scheduler_entry(bool) override { inside.enter(this); }
  void on_scheduler_exit(bool) override { inside.leave(); }
};

}  // namespace

std::shared_ptr<Executor> tbb_executor(tbb::task_arena& arena) { return std::make_shared<SharedArenaExecutor>(arena); }

Built<std::shared_ptr<Executor>> tbb_executor(unsigned threads) {
  if (threads == 0 || threads > 1024)
    return Problems(Code::bad_value, "threads", "an executor needs 1 to 1024 threads; got " + std::to_string(threads));
  try {
    return std::shared_ptr<Executor>(std::make_shared<OwnThreadsExecutor>(threads));
  } catch (const std::system_error& e) {
    return Problems(Code::unsupported, "threads", "the system refused to start a thread: " + std::string(e.what()));
  }
}

}  // namespace tailrace
