// Plans that change, callers who wait and engines that end, all at once, on the plain pool: for ThreadSanitizer and
// AddressSanitizer as much as for the answers.
#include <atomic>
#include <catch2/catch.hpp>
#include <optional>
#include <random>
#include <stop_token>
#include <thread>

#include "support/check.h"
#include "support/steps.h"
#include "tailrace/exec/pool.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

// Plans that add 0 to 7, with values in memory of their own.
Plan<int, int> adds(int n, const std::shared_ptr<int>& token) {
  return optimise(from_int([n, token](Stream<int> s) {
           const auto add = [n, token](int x) { return Counted(x + n); };
           const auto several = [](int x) { return std::vector<int>(2, x); };
           const auto front = [](std::vector<Counted> v) { return std::move(v[0]); };
           const auto first =
               n % 3 ? s.then("add", add) : each("each", s.then("parts", several), add).then("front", front);
           return race(
               "r", first, [](const Counted& c) { return *c; }, [](const Counted& c) { return *c; });
         }))
      .value();
}
bool right(const Outcome<int>& o, int in) { return o ? *o >= in && *o < in + 8 : o.error().code() == Code::overloaded; }

struct Counts {
  std::atomic<int> asked{0}, answered{0}, released{0}, releases{0}, wrong{0};
};

// Requests of one caller, until `over`.
void ask(Engine<int, int>& engine, Counts& n, const std::atomic<bool>& over, unsigned seed) {
  std::mt19937 random(seed);
  for (int i = 0; !over || i < 50; ++i) {
    Request r{.priority = i % 3};
    if (random() % 2) r.overload = Overload::wait;
    const auto way = random() % 4;
    if (way > 0 && random() % 3 == 0) {
      ++n.releases;
      r.on_release = [&n] { ++n.released; };
    }
    ++n.asked;
    switch (way) {
      case 0: n.wrong += !right(engine.run(i), i), ++n.answered; break;
      case 1: n.wrong += !right(engine.run(i, r), i), ++n.answered; break;
      case 2: n.wrong += !right(engine.submit(i, r).get(), i), ++n.answered; break;
      default:
        if (const Status s = engine.submit(i, r, [&n, i](Outcome<int> o) { n.wrong += !right(o, i), ++n.answered; });
            !s)
          n.wrong += s.error().code() != Code::overloaded, ++n.answered;
    }
  }
}

}  // namespace

TEST_CASE("stress: plans change thousands of times under load") {
  const auto token = std::make_shared<int>(0);
  const long before = Counted::alive();
  Counts n;
  {
    std::vector<Plan<int, int>> plans;
    for (int i = 0; i < 8; ++i) plans.push_back(adds(i, token));
    auto engine = start(plans[0], {.max_in_flight = 6, .max_losers = 3, .executor = pool_executor(2).value()}).value();
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 3; ++t) threads.emplace_back([&, t] { ask(engine, n, over, t); });
    std::vector<Handle<int>> kept;
    for (std::size_t i = 0; i < 3000; ++i) {
      n.wrong += !engine.replace(plans[i % 8]).empty();
      if (i % 500 == 0) kept.push_back(engine.submit(1));
    }
    over = true;
    for (auto& t : threads) t.join();
    for (auto& h : kept) n.wrong += !right(h.get(), 1);
  }
  CHECK(n.wrong == 0);
  CHECK(n.answered == n.asked);
  CHECK(n.released == n.releases);
  CHECK(Counted::alive() == before);
  CHECK(token.use_count() == 1);
}

TEST_CASE("stress: many callers wait, some give up, and the engine is stopped") {
  const auto pool = pool_executor(2).value();
  for (int round = 0; round < 60; ++round) {
    std::atomic<int> values{0}, missed{0}, cancelled{0}, stopped{0}, wrong{0};
    std::stop_source source;
    std::optional<Engine<int, int>> engine(
        start(from_int([](Stream<int> s) { return s.then("a", [](int x) { return std::this_thread::yield(), x; }); }),
              {.max_in_flight = 2, .executor = pool})
            .value());
    std::vector<std::thread> threads;
    std::atomic<int> inside{0};
    constexpr int callers = 6, requests = 20;
    for (int t = 0; t < callers; ++t)
      threads.emplace_back([&, t] {
        ++inside;
        for (int i = 0; i < requests; ++i) {
          Request r{.overload = Overload::wait};
          if (t % 3 == 1) r.within = std::chrono::microseconds(50 * i);
          if (t % 3 == 2) r.stop = source.get_token();
          const auto o = i % 2 ? engine->run(i, r) : engine->submit(i, r).get();
          if (o) ++(*o == i ? values : wrong);
          else if (o.error().code() == Code::deadline_missed && t % 3 == 1) ++missed;
          else if (o.error().code() == Code::would_miss && t % 3 == 1) ++missed;
          else if (o.error().code() == Code::cancelled && t % 3 == 2) ++cancelled;
          else if (o.error().code() == Code::shutting_down) ++stopped;
          else ++wrong;
        }
      });
    eventually([&] { return inside == callers; });
    if (round % 2) source.request_stop();
    if (round % 4 > 1) engine->stop();
    for (auto& t : threads) t.join();
    CHECK(wrong == 0);
    CHECK(values + missed + cancelled + stopped == callers * requests);
    CHECK((round % 4 > 1 || stopped == 0));
    engine.reset();
  }
}

TEST_CASE("stress: a stop token and an answer meet, and one of them decides") {
  auto engine =
      start(from_int([](Stream<int> s) { return s.then("a", same); }), {.executor = pool_executor(2).value()}).value();
  std::atomic<int> answered{0}, cancelled{0}, released{0}, wrong{0};
  int asked = 0;
  for (int i = 0; i < 5000; ++i, ++asked) {
    std::stop_source source;
    const auto add = [&](const Outcome<int>& o) {
      if (o) ++answered;
      else if (o.error().code() == Code::cancelled) ++cancelled;
      else ++wrong;
    };
    const Request r{.stop = source.get_token(), .overload = Overload::wait, .on_release = [&] { ++released; }};
    const auto pause = [i] {
      for (int n = i % 300; n > 0; --n) std::atomic_signal_fence(std::memory_order_seq_cst);
    };
    if (i % 3 == 0) {
      std::thread stops([&] { pause(), source.request_stop(); });
      add(engine.run(i, r));
      stops.join();
    } else if (i % 3 == 1) {
      auto h = engine.submit(i, r);
      pause(), source.request_stop();
      add(h.get());
    } else if (const Status s = engine.submit(i, r, add); !s) {
      ++wrong;
    } else {
      pause(), source.request_stop();
      eventually([&] { return answered + cancelled + wrong == i + 1; });
    }
  }
  CHECK(wrong == 0);
  CHECK(answered + cancelled == asked);
  CHECK(eventually([&] { return released == asked; }));
  CHECK(cancelled > 0);
}

TEST_CASE("stress: engines are drained, replaced and destroyed while requests come") {
  for (int round = 0; round < 40; ++round) {
    const auto token = std::make_shared<int>(0);
    Counts n;
    std::atomic<int> stopped{0};
    {
      auto engine =
          start(adds(1, token), {.max_in_flight = 8, .max_losers = 2, .executor = pool_executor(2).value()}).value();
      std::vector<std::thread> threads;
      std::atomic<int> inside{0};
      for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
          ++inside;
          for (int i = 0; i < 60; ++i) {
            const auto o = i % 2 ? engine.run(i, {.overload = Overload::wait}) : engine.submit(i).get();
            if (!right(o, i)) ++(o.error().code() == Code::shutting_down ? stopped : n.wrong);
          }
        });
      eventually([&] { return inside == 2; });
      n.wrong += !engine.replace(adds(2, token)).empty();
      std::thread replaces([&] {
        for (int i = 0; i < 20; ++i) (void)engine.replace(adds(i % 8, token));
      });
      if (round % 2) CHECK(engine.drain().empty());
      else if (round % 4) engine.stop();
      replaces.join();
      for (auto& t : threads) t.join();
    }
    CHECK(n.wrong == 0);
    CHECK(token.use_count() == 1);
  }
}
