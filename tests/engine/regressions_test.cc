// One test for each bug that was found and must not come back, named after it.
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "support/check.h"
#include "support/expect.h"
#include "support/steps.h"
#include "tailrace/exec/pool.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

void spin(Duration time) {
  for (const auto end = Clock::now() + time; Clock::now() < end;) {
  }
}

// A pool whose timers fire late and whose clock is counted, so that what rarely meets meets often.
class SlowTimers final : public Executor {
 public:
  explicit SlowTimers(unsigned threads, Duration delay = 20us) : pool_(pool_executor(threads).value()) { late = delay; }
  TimePoint now() const noexcept override { return ++reads, pool_->now(); }
  void spawn(Task& task) noexcept override { pool_->spawn(task); }
  void wake_at(TimePoint due, Timer& timer) noexcept override {
    engines_own = timer.fire;  // one function for all requests
    timer.fire = [](Timer& t) noexcept {
      spin(late);
      engines_own.load()(t);
    };
    pool_->wake_at(due, timer);
  }
  bool cancel(Timer& timer) noexcept override {
    const bool was_armed = pool_->cancel(timer);
    spin(late / 2);
    return was_armed;
  }
  unsigned concurrency() const noexcept override { return pool_->concurrency(); }
  bool on_worker() const noexcept override { return pool_->on_worker(); }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept override {
    pool_->wait(word, seen, until);
  }
  void wake(const std::atomic<std::uint32_t>& word) noexcept override { pool_->wake(word); }

  mutable std::atomic<int> reads{0};

 private:
  inline static std::atomic<void (*)(Timer&) noexcept> engines_own{nullptr};
  inline static Duration late{};
  std::shared_ptr<Executor> pool_;
};

}  // namespace

TEST_CASE("regression: a timer that fires late touched the frame of the next request") {
  auto engine = start(from_int([](Stream<int> s) { return s.then("a", [](int x) { return spin(15us), x; }); }),
                      {.max_in_flight = 3, .executor = std::make_shared<SlowTimers>(2)})
                    .value();
  int missed = 0, answered = 0;
  for (int i = 0; i < 4000; ++i) {
    auto timed = engine.submit(i, {.within = std::chrono::microseconds(20 + i % 64)});
    const auto plain = engine.submit(i).get();
    REQUIRE(show(plain) == show(i));  // has no deadline: whatever fires is not meant for it
    const auto o = timed.get();
    if (o) ++answered;
    else ++missed;
    const Code code = code_of(o);
    REQUIRE((o ? *o == i : code == Code::deadline_missed || code == Code::would_miss));
  }
  CHECK(missed > 0);
  CHECK(answered > 0);
}

TEST_CASE("regression: stopping met a submission, and destruction waited for the request's deadline") {
  struct StopsFirst final : Executor {
    TimePoint now() const noexcept override { return pool->now(); }
    void spawn(Task& task) noexcept override { pool->spawn(task); }
    void wake_at(TimePoint due, Timer& timer) noexcept override {
      (*engine)->stop();  // as another thread would at this moment
      pool->wake_at(due, timer);
    }
    bool cancel(Timer& timer) noexcept override { return pool->cancel(timer); }
    unsigned concurrency() const noexcept override { return 1; }
    bool on_worker() const noexcept override { return pool->on_worker(); }
    void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept override {
      pool->wait(word, seen, until);
    }
    void wake(const std::atomic<std::uint32_t>& word) noexcept override { pool->wake(word); }
    std::shared_ptr<Executor> pool = pool_executor(1).value();
    std::optional<Engine<int, int>>* engine = nullptr;
  };
  const auto executor = std::make_shared<StopsFirst>();
  std::optional<Engine<int, int>> engine(
      start(from_int([](Stream<int> s) { return s.then("a", same); }), {.executor = executor}).value());
  executor->engine = &engine;
  const TimePoint begin = Clock::now();
  CHECK(show(engine->submit(1, {.within = 20s}).get()) == "shutting_down");
  engine.reset();
  CHECK(Clock::now() - begin < 10s);
}

TEST_CASE("regression: a rung was the best answer before its exit test had returned") {
  std::atomic<int> torn{0};
  const auto looks_long = [&](const std::string& s) {
    const std::string before = s;
    spin(30us);
    if (before != s) ++torn;
    return false;
  };
  auto engine = start(from_int([&](Stream<int> s) {
                        return cascade("k", s, exit_if(spell, looks_long), exit_if(spell, looks_long), spell);
                      }),
                      {.executor = pool_executor(2).value()})
                    .value();
  int anytime = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto o = engine.submit(1, {.within = std::chrono::microseconds(5 + i % 90)}).get();
    if (o) REQUIRE(*o == spell(1));
    anytime += o && o.anytime;
  }
  CHECK(torn == 0);
  CHECK(anytime > 0);
}

TEST_CASE("regression: a deadline moved an answer that the winner was moving") {
  struct Slow final : Observer {
    void on_event(const Event& e) noexcept override {
      if (e.kind == Event::Kind::rung_left) spin(20us);
      if (e.kind == Event::Kind::answered) ++answered;
    }
    std::atomic<int> answered{0};
  };
  const auto observer = std::make_shared<Slow>();
  const auto rung = [](const char* word) { return [word](int) { return spin(10us), std::string(40, '-') + word; }; };
  const auto sure = [](const std::string&) { return spin(20us), true; };
  auto engine = start(from_int([&](Stream<int> s) {
                        return cascade("k", s, exit_if(rung("first"), [](const std::string&) { return false; }),
                                       exit_if(rung("last"), sure), rung("never"));
                      }),
                      {.executor = std::make_shared<SlowTimers>(2), .observer = observer})
                    .value();
  int anytime = 0, last = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto o = engine.submit(1, {.within = std::chrono::microseconds(10 + i % 80)}).get();
    if (!o) continue;
    REQUIRE(*o == std::string(40, '-') + (o.anytime ? "first" : "last"));
    REQUIRE(o.rung == (o.anytime ? 0 : 1));
    ++(o.anytime ? anytime : last);
  }
  CHECK(observer->answered == 3000);
  CHECK(anytime > 0);
  CHECK(last > 0);
}

TEST_CASE("regression: each with no element frame left") {
  const auto racing =
      flow<int>("racing", [](Stream<int> x) { return race("r", x, same, [](int y) { return spin(50us), y; }); });
  const auto f = from_int([&](Stream<int> s) { return each("e", s.then("v", count_up), racing); });
  for (unsigned threads : {1u, 4u}) {
    auto engine = start(f, {.max_in_flight = 16, .max_losers = 16, .executor = pool_executor(threads).value()}).value();
    for (int round = 0; round < 10; ++round) {
      std::vector<Handle<std::vector<int>>> handles;
      for (int i = 0; i < 16; ++i) handles.push_back(engine.submit(40));
      for (auto& h : handles) REQUIRE(show(h.get()) == show(count_up(40)));
    }
  }
}

TEST_CASE("regression: an element stopped half way put an answer that it did not have") {
  std::atomic<int> waiting{0};
  const auto element = flow<int>("element", [&](Stream<int> x) {
    const auto wait = [&](int y, const Context& c) {
      if (y == 0) return eventually([&] { return waiting >= 1; }) ? throw 1 : y;
      ++waiting;
      eventually([&] { return c.stop_requested(); });
      return y;
    };
    return x.then("wait", wait).then("text", spell);
  });
  for (bool keeps : {false, true}) {
    const auto f = from_int([&](Stream<int> s) {
      const auto v = s.then("v", count_up);
      const auto size = [](const auto& all) { return static_cast<int>(all.size()); };
      if (!keeps) return each("e", v, element).then("n", size);
      return each("e", v, element, keep).then("n", size);
    });
    for (int i = 0; i < 50; ++i) {
      waiting = 0;
      auto engine = start(f, {.executor = pool_executor(3).value()}).value();
      auto h = engine.submit(3, {.within = keeps ? 2ms : 0ms});
      CHECK_FALSE(h.get());
    }
  }
}

TEST_CASE("regression: losers pinned all frames") {
  const auto slow = [](int x) { return std::this_thread::sleep_for(1ms), x; };
  auto engine = start(from_int([&](Stream<int> s) { return race("r", s, same, slow); }),
                      {.max_in_flight = 1, .max_losers = 8, .executor = pool_executor(2).value()})
                    .value();
  for (int i = 0; i < 300; ++i) REQUIRE(show(engine.run(i)).substr(0, 10) != "overloaded");
}

TEST_CASE("regression: losers of elements held requests that nobody had counted") {
  const auto slow = [](int x) { return std::this_thread::sleep_for(2ms), x; };
  const auto fast = [](int x) { return std::this_thread::sleep_for(100us), x; };  // so that both are under way
  const auto racing = flow<int>("racing", [&](Stream<int> x) { return race("r", x, fast, slow); });
  auto engine = start(from_int([&](Stream<int> s) { return each("e", s.then("v", count_up), racing); }),
                      {.max_in_flight = 4, .max_losers = 0, .executor = pool_executor(8).value()})
                    .value();
  for (int round = 0; round < 100; ++round) {
    std::vector<Handle<std::vector<int>>> handles;
    for (int i = 0; i < 4; ++i) handles.push_back(engine.submit(1));
    for (auto& h : handles) REQUIRE(show(h.get()) == "[0]");
  }
}

TEST_CASE("regression: a deadline cost a clock read per stage") {
  const auto executor = std::make_shared<SlowTimers>(1, 0us);
  const auto f = from_int([](Stream<int> s) {
    for (int i = 0; i < 30; ++i) s = s.then("s" + std::to_string(i), stage(plus_one, {.quick = true}));
    return s;
  });
  auto engine = start(f, {.executor = executor}).value();
  CHECK(engine.run(0, {.within = 1h}).value() == 30);
  const int before = executor->reads;
  CHECK(engine.run(0, {.within = 1h}).value() == 30);
  CHECK(executor->reads - before <= 4);
}

TEST_CASE("regression: racing stages that run their own engine never returned") {
  std::optional<Engine<int, int>> self;
  const auto again = [&](int x) { return x > 0 ? self->run(x - 1).value_or(-1000) + 1 : 0; };
  for (unsigned threads : {1u, 2u}) {
    self.emplace(start(from_int([&](Stream<int> s) { return race("r", s, again, again); }),
                       {.executor = pool_executor(threads).value()})
                     .value());
    for (int i = 0; i < 20; ++i) CHECK(self->run(4).value_or(-1) == 4);
    self.reset();
  }
}

TEST_CASE("regression: a selector, a copy or a callback that throws ended the process") {
  const auto f = from_int([](Stream<int> s) {
    const auto v = s.then("v", [](int n) { return std::vector<CopyThrows>(1, CopyThrows(n)).size() ? n : 0; });
    const auto chosen = choose(
        "c", v, [](int) -> int { throw 1; }, same, same);
    return chosen.then("after", same);
  });
  auto engine = start(f, {.executor = pool_executor(2).value()}).value();
  for (int i = 0; i < 10; ++i) {
    CHECK_FALSE(engine.run(i));
    CHECK(engine.submit(i, {}, [](Outcome<int>) { throw 1; }).has_value());
  }
}

TEST_CASE("regression: over-aligned values were placed anywhere") {
  auto engine =
      start(from_int([](Stream<int> s) { return each("e", s.then("v", count_up), [](int x) { return Wide(x); }); }),
            {.max_in_flight = 3, .max_losers = 3, .executor = pool_executor(2).value()})
          .value();
  for (int i = 0; i < 10; ++i) CHECK(show(engine.run(3)) == "[0 1 2]");
}
