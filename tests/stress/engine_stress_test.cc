// Everything at once, on the plain pool: for ThreadSanitizer and AddressSanitizer as much as for the answers.
// checks: cancel-meets, request-one
#include <atomic>
#include <catch2/catch.hpp>
#include <optional>
#include <random>
#include <thread>

#include "support/check.h"
#include "support/random_flow.h"
#include "support/steps.h"
#include "tailrace/exec/pool.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

// A flow with everything in it: x -> 4 * x + 4 as text, where nothing fails.
Flow<int, Token> busy_flow() {
  const auto token = [](int x) { return Token(std::string(30, ' ') + std::to_string(x)); };
  const auto number = [](const Token& t) { return std::stoi(t.text()); };
  const auto slow = [](int x, const Context& c) {
    if (x % 8 == 0) std::this_thread::yield();  // seldom: on a busy machine others then run for long
    for (const auto end = Clock::now() + 20us; Clock::now() < end && !c.stop_requested();) {
    }
    c.checkpoint();
    return x;
  };
  const auto moody = [](int x) { return x % 3 ? x : throw std::runtime_error("bang"); };
  const auto element = flow<Token>("element", [=](Stream<Token> t) {
    return race("either", t.then("number", number), slow, same, moody).then("token", token);
  });
  return flow<int>("busy", [=](Stream<int> s) {
    const auto up = race("first", s.then("up", plus_one), slow, same);
    const auto again = hedge("again", up, {"fixed", {{"delay_ms", 0.01}}}, slow, same);
    const auto parts = again.then("parts", [=](int x) { return std::vector<Token>(4, token(x)); });
    const auto sum = each("each", parts, element).then("sum", [=](std::vector<Token> all) {
      int n = 0;
      for (const auto& t : all) n += number(t);
      return n;
    });
    const auto voted = quorum("vote", 2, sum, same, moody, same);
    using Step = Exit<int, Token>;
    const auto early = [=](int x) { return x % 3 ? Step::leave(x) : Step::go_on(token(x)); };
    const auto kept = cascade("sure", staged("net", voted, early, number),
                              exit_if(moody, [](int x) { return x % 2 == 1; }), exit_if(slow, never_so), same);
    return choose(
        "last", kept, [](int x) { return x % 2; }, flow<int>("even", [=](Stream<int> x) { return x.then("t", token); }),
        token);
  });
}
std::string right(int x) { return std::string(30, ' ') + std::to_string(4 * (x + 1)); }

struct Tally {
  std::atomic<long> values{0}, missed{0}, cancelled{0}, refused{0}, stopped{0}, wrong{0};
  void add(int in, const Outcome<Token>& o) {
    if (o) return void(o->text() == right(in) ? ++values : ++wrong);
    switch (o.error().code()) {
      case Code::would_miss:
      case Code::deadline_missed: ++missed; break;
      case Code::cancelled: ++cancelled; break;
      case Code::overloaded: ++refused; break;
      case Code::shutting_down: ++stopped; break;
      default: ++wrong;
    }
  }
  long all() const { return values + missed + cancelled + refused + stopped; }
};

// Requests of all kinds from one thread.
void ask(Engine<int, Token>& engine, Tally& tally, std::atomic<long>& asked, unsigned seed, int requests) {
  std::mt19937 random(seed);
  std::vector<std::pair<int, Handle<Token>>> handles;
  for (int i = 0; i < requests; ++i) {
    const int in = static_cast<int>(random() % 1000);
    const Request request{.within = random() % 2 ? std::chrono::microseconds(random() % 400) : 0us};
    ++asked;
    switch (random() % 4) {
      case 0: tally.add(in, engine.run(in, request)); break;
      case 1:
        if (const Status s = engine.submit(in, request, [&tally, in](Outcome<Token> o) { tally.add(in, o); }); !s)
          tally.add(in, Result<Token>(s.error()));
        break;
      default:
        handles.emplace_back(in, engine.submit(in, request));
        if (random() % 4 == 0) handles.back().second.cancel();
    }
    if (handles.size() < 6) continue;
    for (auto& [n, h] : handles) tally.add(n, h.get());
    handles.clear();
  }
  for (auto& [n, h] : handles) tally.add(n, h.get());
}

}  // namespace

TEST_CASE("stress: requests of all kinds from many threads") {
  for (unsigned workers : {1u, 3u}) {
    const long before = Token::alive();
    Tally tally;
    std::atomic<long> asked{0};
    {
      auto engine =
          start(busy_flow(), {.max_in_flight = 24, .max_losers = 6, .executor = pool_executor(workers).value()})
              .value();
      std::vector<std::thread> threads;
      for (unsigned t = 0; t < 4; ++t)
        threads.emplace_back([&, t] { ask(engine, tally, asked, 7 * t + workers, 400); });
      for (auto& t : threads) t.join();
    }
    CHECK(tally.wrong == 0);
    CHECK(tally.all() == asked);
    CHECK(tally.values > 0);
    CHECK(tally.missed > 0);
    CHECK(tally.cancelled > 0);
    CHECK(Token::alive() == before);
  }
}

TEST_CASE("stress: engines destroyed under load") {
  const auto pool = pool_executor(3).value();
  for (int round = 0; round < 60; ++round) {
    const long before = Token::alive();
    Tally tally;
    long asked = 0;
    std::vector<std::pair<int, Handle<Token>>> handles;
    {
      auto engine = start(busy_flow(), {.max_in_flight = 64, .max_losers = 8, .executor = pool}).value();
      for (int i = 0; i < 30; ++i, asked += 2) {
        const Request request{.within = i % 3 ? 0us : std::chrono::microseconds(100 * i)};
        handles.emplace_back(i, engine.submit(i, request));
        if (!engine.submit(i, request, [&tally, i](Outcome<Token> o) { tally.add(i, o); })) ++tally.refused;
      }
      if (round % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(20 * round));
    }
    for (auto& [n, h] : handles) {
      CHECK(h.ready());
      if (n % 5) tally.add(n, h.get());
      else ++tally.values;  // given up
    }
    handles.clear();
    CHECK(tally.wrong == 0);
    CHECK(tally.all() == asked);
    CHECK(Token::alive() == before);
  }
}

TEST_CASE("stress: callers are inside run() when their engine is destroyed") {
  const auto pool = pool_executor(2).value();
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> inside{0}, returned{0};
    const auto stay = [&](int x, const Context& c) {
      ++inside;
      eventually([&] { return c.stop_requested(); });
      return x;
    };
    std::optional<Engine<int, int>> engine(
        start(from_int([&](Stream<int> s) { return s.then("stay", stay).then("go", plus_one); }), {.executor = pool})
            .value());
    std::vector<std::thread> callers;
    for (int t = 0; t < 3; ++t)
      callers.emplace_back([&, t] {
        const auto o = engine->run(t, {.within = t == 2 ? 1h : 0h});  // two on their own threads, one waiting
        if (o || o.error().code() == Code::shutting_down) ++returned;
      });
    CHECK(eventually([&] { return inside == 3; }));
    engine.reset();
    for (auto& t : callers) t.join();
    CHECK(returned == 3);
  }
}

TEST_CASE("stress: an answer and a cancellation meet, and one of them decides") {
  auto engine =
      start(from_int([](Stream<int> s) { return s.then("a", same); }), {.executor = pool_executor(2).value()}).value();
  int answered = 0, cancelled = 0;
  for (int i = 0; i < 20000; ++i) {
    auto h = engine.submit(i);
    for (int pause = i % 300; pause > 0; --pause) std::atomic_signal_fence(std::memory_order_seq_cst);
    h.cancel();
    const auto o = h.get();
    if (!o && o.error().code() == Code::overloaded) {
      std::this_thread::yield();  // dead requests wait for a thread to drop them
      continue;
    }
    REQUIRE((o ? *o == i : o.error().code() == Code::cancelled));
    ++(o ? answered : cancelled);
  }
  CHECK(answered + cancelled > 1000);
  CHECK(cancelled > 0);
}

TEST_CASE("stress: engines that ask each other on one executor") {
  const auto pool = pool_executor(2).value();
  std::optional<Engine<int, int>> a, b;
  const auto ask = [](std::optional<Engine<int, int>>& other) {
    return [&other](int x) { return x > 0 ? other->run(x - 1).value_or(-1000) + 1 : 0; };
  };
  a.emplace(start(from_int([&](Stream<int> s) { return race("r", s, ask(b), ask(b)); }), {.executor = pool}).value());
  b.emplace(start(from_int([&](Stream<int> s) {
                    return each("e", s.then("v", [](int x) { return std::vector<int>(2, x); }), ask(a))
                        .then("first", [](const std::vector<int>& v) { return v[0]; });
                  }),
                  {.executor = pool})
                .value());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 60; ++i) wrong += (t % 2 ? a : b)->submit(4).get().value_or(-1) != 4;
    });
  for (auto& t : threads) t.join();
  CHECK(wrong == 0);
}
