// The virtual clock: the same order and the same times, every time and with every compiler.
// checks: virtual-clock, virtual-same
#include "tailrace/sim/virtual_time.h"

#include <catch2/catch.hpp>
#include <deque>
#include <thread>

#include "support/golden.h"
#include "support/steps.h"
#include "tailrace/sim/event_log.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

struct Alarm : Timer {
  explicit Alarm(std::function<void()> f) : work(std::move(f)) {
    fire = [](Timer& t) noexcept { static_cast<Alarm&>(t).work(); };
  }
  std::function<void()> work;
};

// Requests of all kinds, at all times, through every combinator; calls that take time in between.
std::string log_of_a_run() {
  const auto time = sim::virtual_time({.workers = 2}).value();
  const auto log = std::make_shared<sim::EventLog>(time);
  const auto f = from_int([](Stream<int> s) {
    const auto raced = race("label", s, valid_if([](int x) { return x % 4 != 0; }), fail_if(3), twice, same);
    const auto sure = [](int x) { return x % 3 == 0; };
    const auto summed = each("e", raced.then("v", [](int x) { return std::vector<int>(3, x % 5); }), fail_if(4))
                            .then("sum", [](const std::vector<int>& v) { return v[0] + v[1] + v[2]; });
    return cascade("k", summed, exit_if(same, sure), exit_if(fail_if(6), sure), plus_one);
  });
  auto engine = start(f, {.max_in_flight = 4, .executor = time, .observer = log}).value();
  std::vector<Handle<int>> handles;
  handles.reserve(12);  // calls may come inside each other, where one waits
  for (int i = 0; i < 12; ++i)
    time->call_after(i * 1500us, [&, i] {
      log->note("submit " + std::to_string(i));
      handles.push_back(engine.submit(i, {.within = i % 3 ? 2ms : 0ms}));
      time->call_after(1ms, [&, i] {
        if (i % 5 == 1) return handles[static_cast<std::size_t>(i)].cancel();
        const auto o = handles[static_cast<std::size_t>(i)].get();
        log->note("took " + std::to_string(i) + ": " + show(o));
      });
    });
  time->run_until_idle();
  log->note("over");
  return log->text();
}

}  // namespace

TEST_CASE("virtual time: the clock jumps from timer to timer") {
  const auto time = sim::virtual_time().value();
  const TimePoint start = time->now();
  CHECK(start == TimePoint{});
  std::vector<std::pair<int, Duration>> order;
  std::deque<Alarm> alarms;
  for (int i = 0; i < 6; ++i) {
    alarms.emplace_back([&, i] { order.emplace_back(i, time->now() - start); });
    time->wake_at(start + (i % 3) * 10h, alarms.back());
  }
  CHECK(time->cancel(alarms[5]));
  CHECK_FALSE(time->cancel(alarms[5]));
  CHECK(time->run_until(start + 10h).next == start + 20h);
  CHECK(time->now() == start + 10h);
  CHECK(order == decltype(order){{0, 0h}, {3, 0h}, {1, 10h}, {4, 10h}});
  CHECK(time->run_for(5h).ran == 0);
  CHECK(time->now() == start + 15h);
  CHECK(time->run_until_idle().ran == 1);
  CHECK(time->now() == start + 20h);
  CHECK_FALSE(time->step());
  CHECK(order.back() == std::pair<int, Duration>{2, 20h});
}

TEST_CASE("virtual time: waiting lets time pass") {
  const auto time = sim::virtual_time({.start = TimePoint(100h)}).value();
  const std::atomic<std::uint32_t> word{0};
  time->wait(word, 1, never);  // changed already
  while (time->now() < TimePoint(101h)) time->wait(word, 0, TimePoint(101h));
  CHECK(time->now() == TimePoint(101h));
  int calls = 0;
  time->call_after(1h, [&] { time->call_after(1h, [&] { ++calls; }); });
  time->call_after(3h, [&, one = std::make_unique<int>(1)] { calls += *one; });
  time->wait(word, 0, TimePoint(102h));
  CHECK(calls == 0);
  while (time->now() < TimePoint(103h)) time->wait(word, 0, TimePoint(103h));
  time->run_until(TimePoint(103h));
  CHECK(calls == 1);
}

TEST_CASE("virtual time: an engine's deadlines and answers stand at their time") {
  const auto time = sim::virtual_time().value();
  auto engine =
      start(from_int([&](Stream<int> s) { return s.then("a", [&](int x) { return time->call_after(1h, [] {}), x; }); }),
            {.executor = time})
          .value();
  CHECK(show(engine.run(1, {.within = 1ms})) == "1");
  CHECK(time->now() == TimePoint{});
  auto h = engine.submit(2, {.within = 5s});
  CHECK_FALSE(h.ready());
  CHECK(engine.tick(16ms).left == 0);
  CHECK(time->now() == TimePoint{} + 16ms);
  CHECK(show(h.get()) == "2");
  CHECK(show(engine.submit(3).get()) == "3");
  CHECK(time->now() == TimePoint{} + 16ms);
}

TEST_CASE("virtual time: other threads may wait and spawn") {
  const auto time = sim::virtual_time({.workers = 2}).value();
  auto engine = start(from_int([](Stream<int> s) { return race("r", s, same, same); }), {.executor = time}).value();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) wrong += engine.submit(i, {.within = 1h}).get().value_or(-1) != i;
    });
  for (auto& t : threads) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("virtual time: no workers are refused") {
  const auto none = sim::virtual_time({.workers = 0});
  REQUIRE_FALSE(none);
  CHECK(none.error().code() == Code::bad_value);
}

TEST_CASE("virtual time: the event log is the same every time and with every compiler") {
  const std::string text = log_of_a_run();
  CHECK(text == log_of_a_run());
  CHECK(text == golden("events", text));
}
