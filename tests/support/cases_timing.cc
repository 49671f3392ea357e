#include "support/expect.h"
#include "support/steps.h"
#include "tailrace/sim/service.h"

// What an outcome says of where its request's time went.
namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

// Takes so long without holding a thread.
auto elsewhere(Duration time) { return sim::service<int>(sim::constant(time), {.holds_worker = false}); }
int sleeps(int x) { return std::this_thread::sleep_for(3ms), x; }

Duration parts(const Timing& t) { return t.queued + t.ran + t.awaited; }
std::string words(const Timing& t) {
  const auto us = [](Duration d) { return std::to_string(d / 1us) + " us"; };
  return "latency " + us(t.latency) + ", queued " + us(t.queued) + ", ran " + us(t.ran) + ", awaited " + us(t.awaited);
}
// A wait is seen to begin a little after the stage has said when it ends.
void at_least(Duration got, Duration wanted, const Timing& all) { check(got >= wanted * 9 / 10, words(all)); }

void nothing_unless_asked(const Setting& setting) {
  auto engine = setting.start(from_int([](Stream<int> s) { return s.then("a", elsewhere(1ms)).then("b", same); }));
  for (const Request& r : {Request{}, Request{.within = 10s}, Request{.id = 5}}) {
    const auto o = engine.run(1, r);
    check(o && o.timing.latency == Duration{} && parts(o.timing) == Duration{}, "times that nobody asked for");
  }
}

void running_and_awaiting_are_told_apart(const Setting& setting) {
  auto engine = setting.start(
      from_int([](Stream<int> s) { return s.then("runs", sleeps).then("awaits", elsewhere(5ms)).then("t", same); }));
  for (const Request& r : {Request{.timing = true}, Request{.within = 10s, .timing = true}})
    for (const bool submitted : {false, true}) {
      const auto o = submitted ? engine.submit(1, r).get() : engine.run(1, r);
      expect(o, Code::none);
      const Timing& t = o.timing;
      if (setting.virtual_time) check(t.awaited == 5ms && t.ran == 0ms, words(t));
      else at_least(t.ran, 3ms, t), at_least(t.ran + t.awaited, 8ms, t);  // a call may return after its time has passed
      check(parts(t) <= t.latency, "one thing at a time took longer than all: " + words(t));
    }
}

void waits_for_a_turn(const Setting& setting) {
  auto engine = setting.start(
      from_int([](Stream<int> s) { return s.then("one", stage(elsewhere(5ms), {.serial = true})).then("t", same); }));
  const auto began = Clock::now();
  auto first = engine.submit(1, {.timing = true});
  auto second = engine.submit(2, {.timing = true});
  const auto apart = Clock::now() - began;  // on a busy machine
  const auto a = first.get(), b = second.get();
  expect(a, Code::none), expect(b, Code::none);
  for (const Timing* t : {&a.timing, &b.timing}) at_least(t->ran + t->awaited, 5ms, *t);
  // Which of the two came first is up to the threads.
  check(a.timing.queued + b.timing.queued + apart >= 4ms, words(a.timing) + "; " + words(b.timing));
}

void waits_that_a_deadline_ends(const Setting& setting) {
  if (!setting.on_the_clock && !setting.virtual_time) return;  // who waits looks at his deadline only between stages
  std::atomic<int> begun{0};
  const auto note = [&](int x) { return ++begun, x; };
  const auto long_one = sim::service<int>(sim::constant(60ms), note, {.holds_worker = false});
  auto engine = setting.start(
      from_int([&](Stream<int> s) { return s.then("one", stage(long_one, {.serial = true})).then("t", same); }));
  auto first = engine.submit(1);
  check(eventually([&] { return begun == 1; }), "not begun");
  auto second = engine.submit(2, {.within = 20ms, .timing = true});
  const auto o = second.get();
  expect(o, Code::deadline_missed);
  at_least(o.timing.queued, 15ms, o.timing);
  check(o.timing.queued <= o.timing.latency && o.timing.latency >= 19ms, words(o.timing));
  expect(first.get(), Code::none);
}

void what_happens_together_adds_up(const Setting& setting) {
  const auto element = flow<int>("e", [](Stream<int> s) { return s.then("awaits", elsewhere(4ms)); });
  auto engine = setting.start(from_int([&](Stream<int> s) { return each("all", s.then("three", count_up), element); }));
  const auto o = engine.run(3, {.timing = true});
  expect(o, Code::none);
  at_least(o.timing.ran + o.timing.awaited, 12ms, o.timing);
}

void rows_of_a_batch(const Setting& setting) {
  if (setting.virtual_time) return;  // a stage that sleeps takes no time
  auto engine = setting.start(from_int([](Stream<int> s) {
    const auto slow = [](Batch<int, int>& rows) {
      std::this_thread::sleep_for(3ms);
      for (std::size_t i = 0; i < rows.size(); ++i) rows.put(i, 2 * rows.in(i));
    };
    return s.then("b", stage(slow, {.max_batch = 4}));
  }));
  std::vector<Handle<int>> handles;
  for (int i = 0; i < 4; ++i) handles.push_back(engine.submit(i, {.timing = true}));
  for (auto& h : handles) {
    const auto o = h.get();
    expect(o, Code::none);
    at_least(o.timing.ran, 3ms, o.timing);  // each row's call is that of its batch
    check(parts(o.timing) <= o.timing.latency, words(o.timing));
  }
}

void a_second_call_shows(const Setting& setting) {
  const auto replica = stage(same, {.replicable = true});
  auto engine = setting.start(from_int([&](Stream<int> s) { return hedge("h", s, {"never"}, replica); }));
  check(!engine.run(1).hedged, "hedged although it never is");
  if (setting.threads == 0 || setting.max_losers == 0) return;
  auto both = setting.start(from_int(
      [&](Stream<int> s) { return hedge("h", s, {"race_all"}, stage(elsewhere(5ms), {.replicable = true})); }));
  check(both.submit(1).get().hedged, "its second call does not show");
}

}  // namespace

void add_timing_cases(std::vector<Case>& t) {
  t.push_back(script_case("times only for who asks", {"timing-asked"}, nothing_unless_asked));
  t.push_back(
      script_case("running and awaiting", {"timing-asked", "timing-parts"}, running_and_awaiting_are_told_apart));
  t.push_back(script_case("waiting for a turn takes time", {"timing-parts"}, waits_for_a_turn));
  t.push_back(script_case("a deadline ends a wait", {"timing-ends"}, waits_that_a_deadline_ends));
  t.push_back(script_case("together adds up", {"timing-sums"}, what_happens_together_adds_up));
  t.push_back(script_case("times of rows", {"timing-parts"}, rows_of_a_batch));
  t.push_back(script_case("hedged or not", {"hedge-told"}, a_second_call_shows));
}

}  // namespace tailrace::test
