// An engine on somebody else's job system: no thread, queue or timer of its own, and host's jobs that ask it.
#include <tailrace/tailrace.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tr = tailrace;
using namespace std::chrono_literals;

namespace {
// ---- what the host has already: jobs for a few threads, and jobs at a time, on one thread more
class JobSystem {
 public:
  using Job = std::function<void()>;
  explicit JobSystem(unsigned threads) {
    for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
    threads_.emplace_back([this] { keep_time(); });
  }
  ~JobSystem() {
    post({});
    for (auto& thread : threads_) thread.join();
  }
  void post(Job job) {  // none: the threads end
    const std::lock_guard lock(mutex_);
    if (job) jobs_.push_back(std::move(job));
    else ending_ = true;
    changed_.notify_all();
  }
  std::uint64_t post_at(tr::TimePoint due, Job job) {
    const std::lock_guard lock(mutex_);
    const auto placed = later_.emplace(due, std::pair(++ids_, std::move(job)));
    changed_.notify_all();
    return placed->second.first;
  }
  void forget(std::uint64_t id) {  // what has begun goes on
    const std::lock_guard lock(mutex_);
    std::erase_if(later_, [&](const auto& entry) { return entry.second.first == id; });
  }
  unsigned threads() const { return static_cast<unsigned>(threads_.size() - 1); }
  bool on_worker() const { return current == this; }

 private:
  static void call(Job& job, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    job();
    job = nullptr;  // what it holds may post jobs when it goes
    lock.lock();
  }
  void work() {
    current = this;
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return ending_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      call(job, lock);
    }
  }
  void keep_time() {
    std::unique_lock lock(mutex_);
    while (!ending_) {
      if (later_.empty()) changed_.wait(lock);
      else if (const auto due = later_.begin()->first; due > tr::Clock::now()) changed_.wait_until(lock, due);
      else {
        Job job = std::move(later_.extract(later_.begin()).mapped().second);
        call(job, lock);
      }
    }
  }
  static thread_local const JobSystem* current;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::multimap<tr::TimePoint, std::pair<std::uint64_t, Job>> later_;
  std::uint64_t ids_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};
thread_local const JobSystem* JobSystem::current = nullptr;

// ---- what tells the engine about it
class OnJobs final : public tr::Executor {
 public:
  explicit OnJobs(JobSystem& jobs) : jobs_(jobs) {}
  tr::TimePoint now() const noexcept override { return tr::Clock::now(); }

  // The task lies in its request, so only a pointer is handed over. Any order, any thread, but not inside this call;
  // and nothing of ours is touched after `run`: the engine may end as soon as it returns, and this executor with it.
  // (Like wake_at, this ends the program when there is no memory for a job. A queue linked by Task::next needs none.)
  void spawn(tr::Task& task) noexcept override {
    jobs_.post([&task] { task.run(task); });
  }

  // A timer fires or is cancelled, never both: whoever takes its ticket out of the table. A job that was too late to
  // forget finds no ticket there, and touches nothing else: the timer, and all of this, may be gone by then.
  void wake_at(tr::TimePoint due, tr::Timer& timer) noexcept override {
    const std::lock_guard lock(timers_->mutex);
    timer.place = timers_->next_ticket();
    timers_->armed[timer.place] = {
        &timer, jobs_.post_at(due, [timers = timers_, ticket = timer.place] { timers->fire(ticket); })};
  }
  bool cancel(tr::Timer& timer) noexcept override {
    const std::lock_guard lock(timers_->mutex);
    const auto found = timers_->armed.find(timer.place);
    if (found == timers_->armed.end() || found->second.timer != &timer) return false;
    jobs_.forget(found->second.job);
    timers_->armed.erase(found);
    return true;
  }

  unsigned concurrency() const noexcept override { return jobs_.threads(); }
  // The host's own jobs run on the same threads and may ask the engine, which then does everything where it was asked:
  // no job waits for a thread that a waiting job holds.
  bool shares_threads() const noexcept override { return true; }
  bool on_worker() const noexcept override { return jobs_.on_worker(); }

  // Threads are there, so that who waits may sleep. (With concurrency() == 0 nobody else would run anything: there
  // `wait` must run tasks and due timers until the word changes.) The lock is what keeps a wake-up from falling between
  // the look at the word and the sleep. Returning too early is allowed, so one condition serves all words.
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, tr::TimePoint until) noexcept override {
    std::unique_lock lock(sleep_);
    if (word.load() != seen) return;
    if (until == tr::never) woken_.wait(lock);
    else woken_.wait_until(lock, until);
  }
  void wake(const std::atomic<std::uint32_t>&) noexcept override {
    const std::lock_guard lock(sleep_);
    woken_.notify_all();
  }

 private:
  struct Timers {
    struct Armed {
      tr::Timer* timer = nullptr;
      std::uint64_t job = 0;
    };
    std::uint32_t next_ticket() {
      while (++last == 0 || armed.count(last)) continue;
      return last;
    }
    void fire(std::uint32_t ticket) {
      std::unique_lock lock(mutex);
      const auto taken = armed.extract(ticket);
      lock.unlock();
      if (taken) taken.mapped().timer->fire(*taken.mapped().timer);
    }
    std::mutex mutex;
    std::map<std::uint32_t, Armed> armed;  // by ticket
    std::uint32_t last = 0;
  };
  JobSystem& jobs_;
  const std::shared_ptr<Timers> timers_ = std::make_shared<Timers>();
  std::mutex sleep_;
  std::condition_variable woken_;
};

}  // namespace

int main() {
  const auto print = [](const std::string& what, const tr::Outcome<std::string>& o) {
    std::cout << what << ": " << (o ? *o : std::string(name(o.error().code()))) << '\n';
  };
  JobSystem jobs(2);
  const auto fetch = [&](const std::string& key, tr::Completion<std::string> done) {  // a park
    auto shared = std::make_shared<tr::Completion<std::string>>(std::move(done));
    jobs.post_at(tr::Clock::now() + (key == "slow" ? 200ms : 5ms), [=] { shared->complete("<" + key + ">"); });
  };
  const auto quick = [](const std::string& s) { return s + " by the quick arm"; };
  const auto patient = [](const std::string& s, const tr::Context& context) {
    while (!context.stop_requested()) std::this_thread::yield();
    return s + " by the patient arm";
  };
  const auto flow = tr::flow<std::string>("on jobs", [&](tr::Stream<std::string> key) {
    return tr::race("race", key.then("fetch", fetch), quick, patient);
  });
  {
    auto engine = tr::start(flow, {.executor = std::make_shared<OnJobs>(jobs)}).value();
    print("run", engine.run("a"));
    print("submit", engine.submit("b").get());
    print("deadline", engine.submit("slow", {.within = 20ms}).get());

    std::promise<tr::Outcome<std::string>> asked[2];  // as many jobs that wait as there are threads
    for (auto& p : asked) jobs.post([&] { p.set_value(engine.run("c")); });
    for (auto& p : asked) print("job", p.get_future().get());
  }  // waits until the slow Completion has been used; the host's jobs and threads stay
}
