// An engine in an arena of the user's.
#include "tailrace/exec/tbb.h"

#include <oneapi/tbb/parallel_for.h>

#include <atomic>
#include <catch2/catch.hpp>

#include "support/check.h"
#include "support/steps.h"

using namespace tailrace;
using namespace tailrace::test;

TEST_CASE("tbb: the user's arena does the work, and serves its user meanwhile") {
  oneapi::tbb::task_arena arena(2, 1);
  const auto executor = tbb_executor(arena);
  CHECK(executor->concurrency() == 2);
  auto engine = start(from_int([](Stream<int> s) { return race("r", s, same, bang).then("t", plus_one); }),
                      {.executor = executor})
                    .value();
  std::atomic<int> sum{0};
  std::vector<Handle<int>> handles;
  for (int i = 0; i < 50; ++i) handles.push_back(engine.submit(i));
  arena.execute([&] { oneapi::tbb::parallel_for(0, 100, [&](int i) { sum += i; }); });
  CHECK(sum == 4950);
  for (int i = 0; i < 50; ++i) CHECK(handles[static_cast<std::size_t>(i)].get().value_or(-1) == i + 1);
}

TEST_CASE("tbb: stages may use oneTBB themselves") {
  auto engine = start(from_int([](Stream<int> s) {
                        return s.then("sum", [](int n) {
                          std::atomic<int> sum{0};
                          oneapi::tbb::parallel_for(0, n, [&](int i) { sum += i; });
                          return sum.load();
                        });
                      }),
                      {.executor = tbb_executor(2).value()})
                    .value();
  std::vector<Handle<int>> handles;
  for (int i = 0; i < 50; ++i) handles.push_back(engine.submit(100));
  for (auto& h : handles) CHECK(h.get().value_or(-1) == 4950);
}

TEST_CASE("tbb: two engines share one executor, which goes with the last") {
  auto executor = tbb_executor(2).value();
  const std::weak_ptr<Executor> watch = executor;
  auto a = start(from_int([](Stream<int> s) { return s.then("a", plus_one); }), {.executor = executor}).value();
  {
    auto b =
        start(from_int([](Stream<int> s) { return s.then("b", twice); }), {.executor = std::move(executor)}).value();
    CHECK(b.submit(4).get().value_or(-1) == 8);
  }
  CHECK(a.submit(4).get().value_or(-1) == 5);
  CHECK_FALSE(watch.expired());
  {
    auto last = std::move(a);
    CHECK(last.submit(1).get().value_or(-1) == 2);
  }
}

// checks: host-thread
// A host's own work in an arena whose threads all wait in an engine that runs there.
TEST_CASE("tbb: run inside a host's worker of the same arena does not wait for that arena") {
  using namespace std::chrono_literals;
  oneapi::tbb::task_arena arena(2, 1);
  auto engine = start(from_int([](Stream<int> s) {
                        return each("e", race("r", s, bang, same).then("v", count_up), plus_one)
                            .then("n", [](const std::vector<int>& v) { return static_cast<int>(v.size()); });
                      }),
                      {.executor = tbb_executor(arena)})
                    .value();
  std::atomic<int> right{0};
  arena.execute([&] {
    oneapi::tbb::parallel_for(0, 60, [&](int i) {
      const auto o = i % 2 ? engine.run(i) : engine.run(i, {.within = 1h});
      right += o && *o == i;
    });
  });
  CHECK(right == 60);
  std::atomic<int> refused{0};
  Gate gate;
  auto full = start(from_int([&](Stream<int> s) { return s.then("w", [&](int x) { return gate.pass(), x; }); }),
                    {.max_in_flight = 1, .executor = tbb_executor(arena)})
                  .value();
  auto h = full.submit(1);
  arena.execute([&] { refused += !full.run(1, {.overload = Overload::wait}); });  // may be the only thread there
  CHECK(refused == 1);
  gate.open();
  auto answer = h.try_get(10ms);
  if (!answer) {
    arena.execute([] {});
    answer = h.get();
  }
  CHECK(answer->value_or(-1) == 1);
}

TEST_CASE("tbb: a host's worker that waits in an engine elsewhere runs nothing of its own arena meanwhile") {
  using namespace std::chrono_literals;
  static thread_local int depth = 0;
  auto engine = start(from_int([](Stream<int> s) {
                        return race(
                            "r", s, [](int x) { return std::this_thread::sleep_for(500us), x; }, bang);
                      }),
                      {.executor = tbb_executor(2).value()})
                    .value();
  std::atomic<int> right{0}, nested{0};
  oneapi::tbb::task_arena arena(2, 1);
  arena.execute([&] {
    oneapi::tbb::parallel_for(0, 40, [&](int i) {
      nested += depth++ > 0;
      const auto o = i % 2 ? engine.run(i) : engine.run(i, {.within = 1h});
      right += o && *o == i;
      --depth;
    });
  });
  CHECK(right == 40);
  CHECK(nested == 0);
}
