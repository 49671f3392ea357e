// Stages that answer later, take turns and take batches, under many threads: requests are cancelled, expire and are
// released, two engines share one runtime, and plans change meanwhile. On the plain pool: for ThreadSanitizer and
// AddressSanitizer as much as for the answers.
#include <atomic>
#include <catch2/catch.hpp>
#include <random>
#include <thread>

#include "support/check.h"
#include "support/elsewhere.h"
#include "support/steps.h"
#include "tailrace/exec/pool.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

// What a serial stage and a state keep: nobody else may be inside.
struct Alone {
  int inside = 0;
};
std::atomic<int> overlaps{0};

// x becomes x + 4, on every way.
Plan<int, int> turns(const std::shared_ptr<Alone>& alone) {
  const auto serial = [alone](int x) {
    overlaps += alone->inside++ != 0;
    --alone->inside;
    return x + 1;
  };
  const auto keeps = [](Alone& a, const int& x) {
    overlaps += a.inside++ != 0;
    --a.inside;
    return x + 1;
  };
  const auto together = [](Batch<int, int>& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (!rows.stopped(i)) rows.put(i, rows.in(i) + 1);
  };
  const PolicyUse pairs{"fixed", {{"size", 2}, {"delay_ms", .05}}};
  return optimise(from_int([&](Stream<int> s) {
           const auto one = flow<int>("one", [&](Stream<int> x) {
             return x.then("serial", stage(serial, {.serial = true}))
                 .then("batch", stage(together, {.max_batch = 3}))
                 .then("pairs", stage(together, {.max_batch = 3, .batch = pairs}));
           });
           const auto copies = [](int x) { return std::vector<int>(3, x); };
           const auto front = [](const std::vector<int>& v) { return v.front(); };
           const auto all = each("each", s.then("copies", copies), one).then("front", front);
           return race("race", all, later(plus_one), at_once(plus_one), stateful<Alone>(keeps, {.per_stream = true}));
         }))
      .value();
}

struct Counts {
  std::atomic<int> values{0}, missed{0}, cancelled{0}, refused{0}, wrong{0}, released{0};
  void add(int in, const Outcome<int>& o) {
    if (o) return void(++(*o == in + 4 ? values : wrong));
    switch (o.error().code()) {
      case Code::would_miss:
      case Code::deadline_missed: ++missed; break;
      case Code::cancelled: ++cancelled; break;
      case Code::overloaded: ++refused; break;
      default: ++wrong;
    }
  }
  int all() const { return values + missed + cancelled + refused; }
};

void ask(Engine<int, int>& engine, Counts& n, unsigned seed, int requests) {
  std::mt19937 random(seed);
  for (int i = 0; i < requests; ++i) {
    Request r{.within = random() % 3 ? 0us : std::chrono::microseconds(random() % 300)};
    r.stream = random() % 4;
    r.priority = static_cast<int>(random() % 3);
    r.on_release = [&n] { ++n.released; };
    if (random() % 3 == 0) {
      n.add(i, engine.run(i, r));
      continue;
    }
    auto h = engine.submit(i, r);
    if (random() % 3 == 0) h.cancel();
    n.add(i, h.get());
  }
}

}  // namespace

TEST_CASE("stress: parks, turns and batches from many threads, in two engines with one runtime") {
  overlaps = 0;
  Counts n;
  constexpr int threads = 4, requests = 1500;
  const auto alone = std::make_shared<Alone>();
  {
    const Runtime runtime;
    const auto pool = pool_executor(2).value();
    const EngineOptions options{.max_in_flight = 8, .max_losers = 4, .executor = pool, .runtime = runtime};
    const auto plan = turns(alone);
    auto one = start(plan, options).value(), two = start(plan, options).value();
    std::vector<std::thread> callers;
    for (unsigned t = 0; t < threads; ++t) callers.emplace_back([&, t] { ask(t % 2 ? one : two, n, t, requests); });
    for (auto& c : callers) c.join();
    CHECK(one.drain().empty());
    CHECK(two.drain().empty());
    CHECK(one.figures().waiting == 0);
  }
  CHECK(n.wrong == 0);
  CHECK(n.all() == threads * requests);
  CHECK(n.released == threads * requests);
  CHECK(n.values > 0);
  CHECK(overlaps == 0);
}

TEST_CASE("stress: plans with parks, turns and batches change under load") {
  Counts n;
  constexpr int threads = 3, requests = 1000;
  const auto alone = std::make_shared<Alone>();  // of the one plan that goes and comes: its station stays the same
  {
    const auto plan = turns(alone);
    auto engine = start(plan, {.max_in_flight = 6, .max_losers = 2, .executor = pool_executor(2).value()}).value();
    std::atomic<int> over{0};
    std::vector<std::thread> callers;
    for (unsigned t = 0; t < threads; ++t) callers.emplace_back([&, t] { ask(engine, n, t, requests), ++over; });
    while (over < threads) {
      n.wrong += !engine.replace(plan).empty();
      std::this_thread::sleep_for(200us);
    }
    for (auto& c : callers) c.join();
  }
  CHECK(n.wrong == 0);
  CHECK(n.all() == threads * requests);
  CHECK(n.released == threads * requests);
  CHECK(alone.use_count() == 1);
}
