#include <thread>

#include "support/expect.h"
#include "support/steps.h"
#include "tailrace/exec/tick.h"

// Engines that have no thread: what they promise instead of what threads do.
namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

template <class In, class Out>
Engine<In, Out> without_threads(const Flow<In, Out>& flow, OptimiseOptions how = {}) {
  return std::move(start(optimise(flow, how).value(), {.threads = 0})).value();
}
// Each step is a block of its own.
const OptimiseOptions blocks{.without = {"fuse"}};

void nothing_runs_by_itself(const Setting& setting) {
  if (setting.threads) return;
  int runs = 0, called = 0;
  const auto f = from_int([&](Stream<int> s) { return s.then("a", [&](int x) { return ++runs, x + 1; }); });
  {
    auto engine = without_threads(f);
    std::array<Handle<int>, 3> h{engine.submit(1), engine.submit(2), engine.submit(3)};
    engine.submit(4, {}, [&](Outcome<int> o) { called = o.value(); }).value();
    std::this_thread::sleep_for(1ms);
    check(runs == 0 && !h[0].ready() && !h[0].try_get(), "something ran although nobody had lent a thread");
    expect(h[1].get(), "3");
    check(runs >= 2 && h[0].ready(), "get did not run what was ready, oldest first");
    expect(engine.run(7), "8");
    check(h[2].try_get(20s).has_value(), "try_get did not run what it waited for");
    check(engine.tick(1h).left == 0 && called == 5, "the callback was not called in a tick");
    (void)engine.submit(1);
    runs = 0;
  }
  check(runs == 0, "destruction ran a stage of a request that it had answered");
}

void ticks_keep_to_their_budget(const Setting& setting) {
  if (setting.threads) return;
  int runs = 0;
  const auto step = [&](int x) { return ++runs, std::this_thread::sleep_for(2ms), x; };
  auto engine = without_threads(
      from_int([&](Stream<int> s) { return s.then("a", step).then("b", step).then("c", step).then("d", step); }),
      blocks);
  auto first = engine.submit(1), second = engine.submit(2);
  for (int ticks = 1; ticks <= 8; ++ticks) {
    const Ticked t = engine.tick(Duration{});
    check(runs == ticks, "a tick without a budget did not run one block");
    check(t.ran == 1 && t.left == (ticks < 7 ? 2 : ticks < 8 ? 1 : 0), "a tick said something else than it left");
  }
  check(first.ready() && second.ready(), "not answered");
  auto third = engine.submit(3);
  engine.tick(3ms);
  check(runs > 8 && runs <= 10, "a tick ran a block that began past its budget");
  check(engine.tick(1h).left == 0 && third.ready(), "a tick with a large budget left something");
  const Ticked idle = engine.tick(1h);
  check(idle.ran == 0 && idle.left == 0 && idle.next == never, "a tick of nothing ran something, or waits for a timer");
}

void ticks_say_when_the_next_timer_is_due(const Setting& setting) {
  if (setting.threads) return;
  auto engine = without_threads(from_int([&](Stream<int> s) { return s.then("a", same); }));
  const TimePoint deadline = Clock::now() + 1h;
  auto h = engine.submit(1, {.deadline = deadline});
  check(engine.tick(Duration{}).next == never && h.ready(), "an answered request's timer was left");
  auto timed = engine.submit(1, {.within = 1ms}), other = engine.submit(1, {.deadline = deadline});
  std::this_thread::sleep_for(2ms);
  const Ticked t = engine.tick(Duration{});  // due timers go before tasks
  check(t.ran == 1 && t.left == 2 && t.next == deadline, "a timer that was due did not fire");
  expect(timed.get(), "deadline_missed");
  expect(other.get(), "1");
}

// Of several threads that tick one runs tasks, and the others do not wait for it.
void one_thread_ticks_at_a_time(const Setting& setting) {
  if (setting.threads) return;
  Gate gate;
  std::atomic<int> inside{0}, most{0};
  auto engine = without_threads(from_int([&](Stream<int> s) {
    return s.then("a", [&](int x) {
      most = std::max<int>(most, ++inside);
      if (x == 0) gate.pass();
      return --inside, x;
    });
  }));
  Opens opens{gate};
  auto slow = engine.submit(0), behind = engine.submit(1);
  std::thread other([&] { engine.tick(1h); });
  check(eventually([&] { return gate.arrived() == 1; }), "not started");
  const Ticked t = engine.tick(1h);
  check(t.ran == 0 && t.left == 1 && gate.closed(), "a tick beside another one ran something, or waited");
  check(!behind.try_get(2ms) && gate.closed(), "try_get waited longer than it was told to");
  gate.open();
  expect(slow.get(), "0");
  expect(behind.get(), "1");
  other.join();
  for (int round = 0; round < 50; ++round) {
    std::vector<Handle<int>> handles;
    for (int i = 0; i < 8; ++i) handles.push_back(engine.submit(i + 1));
    std::thread a([&] { engine.tick(1h); }), b([&] { engine.tick(1h); });
    for (int i = 0; i < 8; ++i) expect(handles[static_cast<std::size_t>(i)].get(), show(i + 1));
    a.join(), b.join();
  }
  check(most == 1, "two threads ran tasks at the same time");
}

void ticks_inside_stages_do_nothing(const Setting& setting) {
  if (setting.threads) return;
  const auto tick = tick_executor().value();
  Ticked inner;
  const auto f = from_int([&](Stream<int> s) {
    return s.then("a", [&](int x) { return (x ? void(inner = tick->tick(1h)) : void()), x; });
  });
  auto engine = start(f, {.executor = tick}).value(), sharing = start(f, {.executor = tick}).value();
  auto a = engine.submit(1), b = sharing.submit(0);
  check(tick->tick(1h).ran == 2, "engines that share an executor are not ticked together");
  check(inner.ran == 0 && inner.left == 1, "a tick inside a stage ran something");
  expect(a.get(), "1");
  expect(b.get(), "0");
}

void arms_run_one_after_another(const Setting& setting) {
  if (setting.threads) return;
  std::vector<int> order;
  const auto log = [&](int arm) { return [&order, arm](int x) { return order.push_back(arm), x + arm; }; };
  const auto racer = [&](int arm) {
    return flow<int>("arm", [&](Stream<int> x) { return x.then("a", log(arm)).then("b", log(arm)); });
  };
  auto engine = without_threads(from_int([&](Stream<int> s) {
                                  const auto large = valid_if([](int x) { return x > 4; });
                                  return race("r", s, large, racer(1), racer(2), racer(3));
                                }),
                                blocks);
  auto h = engine.submit(0);
  int ticks = 1;
  while (engine.tick(Duration{}).left) ++ticks;
  check(ticks >= 6 && order == std::vector<int>{1, 1, 2, 2, 3, 3}, "arms did not run one after another");
  expect(engine.run(1), "5 winner 1");
  expect(h.get(), "6 winner 2");
  check(engine.tick(1h).ran == 0, "a race left losers behind");
}

void deadlines_are_seen_at_blocks(const Setting& setting) {
  if (setting.threads) return;
  int runs = 0;
  const auto slow = [&](int x) { return ++runs, std::this_thread::sleep_for(30ms), x; };
  auto engine = without_threads(from_int([&](Stream<int> s) { return s.then("a", slow).then("b", slow); }), blocks);
  for (auto ask : {0, 1}) {
    runs = 0;
    expect(ask ? engine.run(1, {.within = 20ms}) : engine.submit(1, {.within = 20ms}).get(), "deadline_missed");
    check(runs == 1, "a block began past the deadline");
  }
  auto last = without_threads(from_int([&](Stream<int> s) { return s.then("a", slow); }));
  expect(last.run(1, {.within = 20ms}), "1 late");
  expect(last.submit(1, {.within = 20ms}).get(), "1 late");
  expect(last.submit(1, {.within = 1h}).get(), "1");
}

}  // namespace

void add_tick_cases(std::vector<Case>& t) {
  t.push_back(script_case("nothing runs by itself", {"tick-only"}, nothing_runs_by_itself));
  t.push_back(script_case("ticks keep to their budget", {"tick-budget", "tick-left"}, ticks_keep_to_their_budget));
  t.push_back(script_case("ticks say when a timer is due", {"tick-left"}, ticks_say_when_the_next_timer_is_due));
  t.push_back(script_case("one thread ticks at a time", {"tick-one"}, one_thread_ticks_at_a_time));
  t.push_back(script_case("ticks inside stages", {"tick-one"}, ticks_inside_stages_do_nothing));
  t.push_back(script_case("without threads arms run one after another", {"tick-order"}, arms_run_one_after_another));
  t.push_back(
      script_case("without threads deadlines are seen at blocks", {"tick-deadline"}, deadlines_are_seen_at_blocks));
}

}  // namespace tailrace::test
