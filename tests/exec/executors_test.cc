// What every executor promises: see engine/executor.h.
// checks: threads-asked, threads-joined, prints-nothing
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "support/check.h"
#include "support/steps.h"
#include "tailrace/exec/pool.h"
#include "tailrace/exec/start.h"
#if TAILRACE_HAS_TBB
#include "tailrace/exec/tbb.h"
#endif

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

struct Made {
  std::string name;
  unsigned threads;
  std::function<std::shared_ptr<Executor>()> make;
};
std::vector<Made> executors() {
  std::vector<Made> all;
  for (unsigned n : {1u, 3u})
    all.push_back({"pool of " + std::to_string(n), n, [n] { return pool_executor(n).value(); }});
#if TAILRACE_HAS_TBB
  for (unsigned n : {1u, 3u})
    all.push_back({"oneTBB with " + std::to_string(n), n, [n] { return tbb_executor(n).value(); }});
#endif
  return all;
}

template <class F>
struct Job : Task {
  explicit Job(F f) : work(std::move(f)) {
    run = [](Task& t) noexcept { static_cast<Job&>(t).work(static_cast<Job&>(t)); };
  }
  F work;
};
template <class F>
struct Alarm : Timer {
  explicit Alarm(F f) : work(std::move(f)) {
    fire = [](Timer& t) noexcept { static_cast<Alarm&>(t).work(); };
  }
  F work;
};

unsigned threads_of_this_process() {
  unsigned n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) ++n;
  return n;
}

}  // namespace

TEST_CASE("executors: every task runs once, on a worker") {
  for (const Made& made : executors()) {
    INFO(made.name);
    const auto executor = made.make();
    CHECK(executor->concurrency() == made.threads);
    CHECK_FALSE(executor->on_worker());
    std::atomic<int> runs{0}, elsewhere{0};
    const auto work = [&](Task&) {
      if (!executor->on_worker()) ++elsewhere;
      ++runs;
    };
    std::deque<Job<decltype(work)>> jobs;
    for (int i = 0; i < 500; ++i) jobs.emplace_back(work);
    for (auto& j : jobs) executor->spawn(j);
    CHECK(eventually([&] { return runs == 500; }));
    CHECK(elsewhere == 0);
  }
}

TEST_CASE("executors: a task may be spawned again as soon as it has begun") {
  for (const Made& made : executors()) {
    INFO(made.name);
    const auto executor = made.make();
    std::atomic<int> runs{0};
    const auto work = [&](Task& self) {
      if (runs.fetch_add(1) < 299) executor->spawn(self);
    };
    Job job(work);
    executor->spawn(job);
    CHECK(eventually([&] { return runs == 300; }));
  }
}

TEST_CASE("executors: as many tasks at a time as promised") {
  for (const Made& made : executors()) {
    INFO(made.name);
    const auto executor = made.make();
    std::atomic<unsigned> inside{0}, done{0};
    const auto meet = [&](Task&) {
      ++inside;
      eventually([&] { return inside >= made.threads; });
      ++done;
    };
    std::deque<Job<decltype(meet)>> jobs;
    for (unsigned i = 0; i < made.threads; ++i) jobs.emplace_back(meet);
    for (auto& j : jobs) executor->spawn(j);
    CHECK(eventually([&] { return done == made.threads; }, 10s));
  }
}

TEST_CASE("executors: never more tasks at a time than promised") {
  for (const Made& made : executors()) {
    INFO(made.name);
    const auto executor = made.make();
    std::atomic<unsigned> inside{0}, most{0}, done{0};
    const auto work = [&](Task&) {
      const unsigned now = ++inside;
      for (unsigned seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
      }
      std::this_thread::sleep_for(100us);
      --inside;
      ++done;
    };
    std::deque<Job<decltype(work)>> jobs;
    for (int i = 0; i < 100; ++i) jobs.emplace_back(work);
    for (auto& j : jobs) executor->spawn(j);
    CHECK(eventually([&] { return done == 100; }, 10s));
    CHECK(most <= made.threads);
  }
}

TEST_CASE("executors: tasks begin in the order in which they were spawned") {
  for (const Made& made : executors()) {
    if (made.threads > 1) continue;  // nobody sees which of two threads was first
    INFO(made.name);
    const auto executor = made.make();
    std::atomic<bool> go{false};
    std::mutex mutex;
    std::vector<int> order;
    struct One {
      std::function<void()> f;
      void operator()(Task&) { f(); }
    };
    std::deque<Job<One>> jobs;
    jobs.emplace_back(One{[&] { eventually([&] { return go.load(); }, 10s); }});
    for (int i = 0; i < 200; ++i)
      jobs.emplace_back(One{[&, i] {
        const std::lock_guard lock(mutex);
        order.push_back(i);
      }});
    for (auto& j : jobs) executor->spawn(j);
    go = true;
    CHECK(eventually([&] { return std::lock_guard(mutex), order.size() == 200; }));
    const std::lock_guard lock(mutex);
    CHECK(order == count_up(200));
  }
}

TEST_CASE("executors: timers fire once, never early, in their order") {
  for (const Made& made : executors()) {
    INFO(made.name);
    const auto executor = made.make();
    const TimePoint start = executor->now();
    std::mutex mutex;
    std::vector<int> order;
    std::atomic<int> early{0};
    struct One {
      std::function<void()> f;
      void operator()() { f(); }
    };
    std::deque<Alarm<One>> alarms;
    for (int i = 0; i < 50; ++i) {
      const int rank = i * 37 % 50;
      alarms.emplace_back(One{[&, rank] {
        if (executor->now() < start + 5ms + rank * 200us) ++early;
        std::lock_guard lock(mutex);
        order.push_back(rank);
      }});
      executor->wake_at(start + 5ms + rank * 200us, alarms.back());
    }
    CHECK(eventually([&] { return std::lock_guard(mutex), order.size() >= 50; }));
    std::this_thread::sleep_for(1ms);
    std::lock_guard lock(mutex);
    CHECK(early == 0);
    CHECK(order == count_up(50));
    CHECK_FALSE(executor->cancel(alarms[0]));
  }
}

TEST_CASE("executors: an alarm is cancelled or fires, never both, never neither") {
  for (const Made& made : executors()) {
    INFO(made.name);
    const auto executor = made.make();
    std::atomic<int> fired{0}, cancelled{0};
    const auto ring = [&] { ++fired; };
    std::deque<Alarm<decltype(ring)>> alarms;
    for (int i = 0; i < 4000; ++i) alarms.emplace_back(ring);
    std::atomic<int> armed{0};
    std::vector<std::thread> cancellers;
    for (int t = 0; t < 2; ++t)
      cancellers.emplace_back([&, t] {
        for (int i = t; i < 4000; i += 2) {
          while (armed <= i) std::this_thread::yield();
          cancelled += executor->cancel(alarms[static_cast<std::size_t>(i)]);
        }
      });
    for (int i = 0; i < 4000; ++i, ++armed)
      executor->wake_at(executor->now() + std::chrono::microseconds(i % 7), alarms[static_cast<std::size_t>(i)]);
    for (auto& t : cancellers) t.join();
    CHECK(eventually([&] { return fired + cancelled >= 4000; }));
    std::this_thread::sleep_for(1ms);
    CHECK(fired + cancelled == 4000);
  }
}

TEST_CASE("executors: waiting ends with a wake, a changed word, or the time") {
  for (const Made& made : executors()) {
    INFO(made.name);
    const auto executor = made.make();
    std::atomic<std::uint32_t> word{0};
    executor->wait(word, 1, never);  // changed already
    const TimePoint until = executor->now() + 5ms;
    while (executor->now() < until) executor->wait(word, 0, until);
    executor->wait(word, 0, executor->now() - 1h);
    std::thread other([&] {
      std::this_thread::sleep_for(2ms);
      word = 1;
      executor->wake(word);
    });
    while (word == 0) executor->wait(word, 0, never);
    other.join();
    CHECK(word == 1);
  }
}

TEST_CASE("executors: start the threads they were asked for, and join them") {
  {
    const auto warm = start(from_int([](Stream<int> s) { return s.then("a", same); })).value();
  }
  const unsigned before = threads_of_this_process();
  for (const Made& made : executors()) {
    INFO(made.name);
    {
      const auto executor = made.make();
      CHECK(threads_of_this_process() == before + made.threads);
      auto engine =
          start(from_int([](Stream<int> s) { return s.then("a", same); }), {.threads = 64, .executor = executor})
              .value();
      for (int i = 0; i < 20; ++i) CHECK(engine.run(i, {.within = 1h}).has_value());
      CHECK(engine.submit(1).get().has_value());
      CHECK(threads_of_this_process() == before + made.threads);
      CHECK(engine.submit(1, {.within = 1h}).get().has_value());
      CHECK(threads_of_this_process() == before + made.threads + 1);  // the timer's
    }
    CHECK(eventually([&] { return threads_of_this_process() == before; }));
  }
  {
    auto engine = start(from_int([](Stream<int> s) { return s.then("a", same); }), {.threads = 0}).value();
    CHECK(engine.submit(1, {.within = 1h}).get().has_value());
    CHECK(engine.run(1, {.within = 1h}).has_value());
    CHECK(threads_of_this_process() == before);
  }
  CHECK(usable_processors() >= 1);
}

TEST_CASE("executors: what cannot be started is refused") {
  for (unsigned n : {0u, 1025u, 4000000000u}) {
    const auto pool = pool_executor(n);
    REQUIRE_FALSE(pool);
    CHECK(pool.error().code() == Code::bad_value);
    CHECK(pool.error().what().find(std::to_string(n)) != std::string::npos);
#if TAILRACE_HAS_TBB
    CHECK_FALSE(tbb_executor(n));
#endif
  }
}

TEST_CASE("executors: nothing is printed") {
  const auto path = std::filesystem::temp_directory_path() / ("printed-" + std::to_string(getpid()));
  std::fflush(nullptr);
  const int out = dup(1), err = dup(2), file = open(path.c_str(), O_CREAT | O_RDWR | O_TRUNC, 0600);
  dup2(file, 1), dup2(file, 2);
  for (const Made& made : executors()) {
    auto engine =
        start(from_int([](Stream<int> s) { return race("r", s, bang, same, twice); }), {.executor = made.make()})
            .value();
    for (int i = 0; i < 10; ++i) (void)engine.submit(i, {.within = std::chrono::microseconds(10 * i)}).get();
    (void)engine.run(1);
    (void)engine.submit(1, {}, [](Outcome<int>) { throw 1; });
  }
  {
    auto engine = start(from_int([](Stream<int> s) { return s.then("a", bang); })).value();
    (void)engine.run(1);
  }
  std::fflush(nullptr);
  dup2(out, 1), dup2(err, 2);
  close(out), close(err), close(file);
  CHECK(std::filesystem::file_size(path) == 0);
  std::filesystem::remove(path);
}
