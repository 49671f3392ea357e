#include "tailrace/exec/pool.h"

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

// Tasks that wait for a thread, first come, first served.
struct Queue {
  std::mutex mutex;
  std::condition_variable some;
  TaskQueue tasks;
  bool stopping = false;

  void push(Task& task) noexcept {
    {
      std::lock_guard lock(mutex);
      tasks.push(task);
    }
    some.notify_one();
  }
  // The oldest task; null when it is time to stop.
  Task* pop() noexcept {
    std::unique_lock lock(mutex);
    some.wait(lock, [&] { return !tasks.empty() || stopping; });
    return tasks.pop();
  }
  void stop() noexcept {
    {
      std::lock_guard lock(mutex);
      stopping = true;
    }
    some.notify_all();
  }
};

class Pool final : public Executor {
 public:
  explicit Pool(unsigned threads) : concurrency_(threads) {}
  ~Pool() override {
    queue_.stop();
    for (auto& t : threads_) t.join();
  }
  void start() {
    threads_.reserve(concurrency_);
    while (threads_.size() < concurrency_)
      threads_.emplace_back([this] {
        while (Task* task = queue_.pop()) detail::run_as_worker(*this, *task);
      });
  }

  TimePoint now() const noexcept override { return Clock::now(); }
  void spawn(Task& task) noexcept override { queue_.push(task); }
  void wake_at(TimePoint due, Timer& timer) noexcept override { timers_.arm(due, timer); }
  bool cancel(Timer& timer) noexcept override { return timers_.cancel(timer); }
  unsigned concurrency() const noexcept override { return concurrency_; }
  bool on_worker() const noexcept override { return detail::current_executor == this; }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept override {
    detail::wait_on(word, seen, until);
  }
  void wake(const std::atomic<std::uint32_t>& word) noexcept override { detail::wake_all(word); }

 private:
  const unsigned concurrency_;
  Queue queue_;
  std::vector<std::thread> threads_;
  detail::TimerThread timers_;
};

}  // namespace

Built<std::shared_ptr<Executor>> pool_executor(unsigned threads) {
  if (threads == 0 || threads > 1024)
    return Problems(Code::bad_value, "threads", "a pool needs 1 to 1024 threads; got " + std::to_string(threads));
  auto pool = std::make_shared<Pool>(threads);
  try {
    pool->start();
  } catch (const std::system_error& e) {
    return Problems(Code::unsupported, "threads", "the system refused to start a thread: " + std::string(e.what()));
  }
  return std::shared_ptr<Executor>(std::move(pool));
}

}  // namespace tailrace
