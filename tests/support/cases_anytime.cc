// Stageds that a deadline or a cut-off ends with the answer that a stage went on with. As in cases_cutoff.cc, deadlines
// are an hour away, and reserves nearly as long or longer.
#include <algorithm>

#include "support/expect.h"
#include "support/steps.h"
#include "tailrace/sim/service.h"

namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

using Step = AnytimeExit<int, int>;
using Plain = Exit<int, int>;

const Request hour{.within = 1h};

// Goes on with the number, and would have answered one more.
Step guess(int x) { return Step::go_on(x, x + 1); }
Step guess_again(int x) { return Step::go_on(x, x + 2); }
Step no_guess(int x) { return Step::go_on(x); }
Step sure(int x) { return Step::leave(x + 3); }
Plain plain(int x) { return Plain::go_on(x); }

template <class... Stages>
auto cut_after(Duration time, Stages... stages) {
  return from_int([&](Stream<int> s) {
    return staged("n", s.then("a", plus_one), reserve(1h - time), stages...).then("b", twice);
  });
}
template <class... Stages>
auto cut_at_once(Stages... stages) {
  return cut_after(-1h, stages...);
}

void no_stage_past_the_cut_off(const Setting& setting) {
  std::atomic<int> last{0};
  const auto counts = [&](int x) { return ++last, x; };
  auto engine = setting.start(cut_at_once(guess, counts));
  auto stops = setting.start(cut_at_once(sure, counts));
  auto later = setting.start(cut_at_once(no_guess, plain, guess, counts));
  auto none = setting.start(cut_at_once(no_guess, plain, twice));
  for (int i = 0; i < 5; ++i) {
    expect(engine.run(1, hour), "6 rung 0 anytime");
    expect(engine.submit(1, hour).get(), "6 rung 0 anytime");
    expect(stops.submit(1, hour).get(), "10 rung 0");
    expect(later.submit(1, hour).get(), "6 rung 2 anytime");
    expect(none.run(1, hour), "8 rung 2");
  }
  check(last == 0, "a stage started past the cut-off");
  expect(engine.run(1), "4 rung 1");
  expect(engine.submit(1).get(), "4 rung 1");
  check(last == 2, "without a deadline there is nothing to cut off");
}

void the_running_stage_is_left(const Setting& setting) {
  if (!setting.holds_a_loser()) return;
  std::atomic<int> told{0};
  Gate gate;
  {
    const auto slow = [&](int x, const Context& c) {
      gate.pass();
      told += eventually([&] { return c.stop_requested(); });
      return x;
    };
    auto engine = setting.start(cut_after(10ms, guess, guess_again, slow));
    Opens opens{gate};
    expect(engine.submit(1, hour).get(), "8 rung 1 anytime");
    if (setting.threads > 2) expect(engine.run(1, hour), "8 rung 1 anytime");
    check(gate.closed(), "the cut-off waited for the running stage");
  }
  check(told == gate.arrived(), "the stage that was left was not told to stop");
}

// With no spare frame for a loser the answer goes on when the stage has returned, or failed.
void a_late_answer_goes_on(const Setting& setting) {
  if (setting.virtual_time) return;  // no time passes in a stage
  Setting strict = setting;
  strict.max_losers = 0;
  std::atomic<int> more{0};
  const auto counts = [&](int x) { return ++more, x; };
  const auto slow = [](int x) { return std::this_thread::sleep_for(4ms), guess_again(x); };
  const auto late = [](int x) { return std::this_thread::sleep_for(4ms), no_guess(x); };
  const auto fails = [](int x) { return std::this_thread::sleep_for(4ms), bang(x); };
  const std::string first = "6 rung 0 anytime";
  auto better = strict.start(cut_after(2ms, no_guess, slow, counts));
  expect(better.submit(1, hour).get(), "8 rung 1 anytime");
  auto earlier = strict.start(cut_after(2ms, guess, late, counts));
  expect(earlier.submit(1, hour).get(), first);
  auto failed = strict.start(cut_after(2ms, guess, fails));
  expect(failed.submit(1, hour).get(), first);
  check(more == 0, "a stage started past the cut-off");
}

// Before the cut-off a failure is the staged's, whatever answers there are.
void a_failure_fails(const Setting& setting) {
  auto engine = setting.start(cut_after(30min, guess, bang));
  const std::string failed = "stage_failed at n[1]: bang";
  expect(engine.run(1, hour), failed);
  expect(engine.submit(1, hour).get(), failed);
  expect(engine.submit(1).get(), failed);
}

void anywhere_in_a_flow(const Setting& setting) {
  const auto inner =
      flow<int>("inner", [](Stream<int> s) { return staged("n", s, reserve(2h), guess, bang).then("b", twice); });
  auto chosen = setting.start(from_int([&](Stream<int> s) { return choose("c", s, give(0), inner, same); }));
  auto raced = setting.start(from_int([&](Stream<int> s) { return race("r", s, bang, inner); }));
  auto hedged = setting.start(from_int([&](Stream<int> s) { return hedge("h", s, {"never"}, inner, inner); }));
  auto rung = setting.start(from_int(
      [&](Stream<int> s) { return cascade("k", s, reserve(0ms), exit_if(same, never_so), inner).then("b", twice); }));
  auto stage = setting.start(from_int([&](Stream<int> s) {
    const auto outer = flow<int>("outer", [&](Stream<int> x) { return x.then("inner", inner).then("exit", plain); });
    return staged("o", s, outer, plus_one);
  }));
  auto joined = setting.start(from_int([&](Stream<int> s) {
    const auto both = staged("n", s, reserve(2h), guess, bang);
    return join_with(
        "j", [](int a, int b) { return 100 * a + b; }, both.then("b", twice), s.then("c", same));
  }));
  auto two = setting.start(from_int(
      [&](Stream<int> s) { return staged("m", staged("n", s, reserve(2h), guess, bang), guess_again, twice); }));
  for (int i = 0; i < 5; ++i) {
    expect(chosen.submit(1, hour).get(), "4 rung 0 anytime");
    expect(raced.submit(1, hour).get(), "4 rung 0 winner 1 anytime");
    expect(hedged.submit(1, hour).get(), "4 rung 0 winner 0 anytime");
    expect(rung.submit(1, hour).get(), "8 rung 1 anytime");
    expect(stage.submit(1, hour).get(), "5 rung 1 anytime");
    expect(joined.run(1, hour), "401 rung 0 anytime");
    expect(two.run(1, hour), "4 rung 1 anytime");
  }
}

void elements_have_none(const Setting& setting) {
  const auto element =
      flow<int>("element", [](Stream<int> s) { return staged("n", s, reserve(2h), guess, same).then("b", twice); });
  auto engine = setting.start(from_int([&](Stream<int> s) { return each("e", s.then("v", count_up), element); }));
  expect(engine.submit(3, hour).get(), "[0 2 4]");
}

void an_answer_at_the_deadline(const Setting& setting) {
  if (!setting.on_the_clock) return;  // who waits runs the stage that the case holds
  Gate gate;
  const auto held = [&](int x) { return gate.pass(), x; };
  auto engine = setting.start(from_int([&](Stream<int> s) { return staged("n", s, guess, no_guess, held); }));
  auto none = setting.start(from_int([&](Stream<int> s) { return staged("n", s, no_guess, held); }));
  Opens opens{gate};
  expect(engine.submit(1, {.within = 100ms}).get(), "2 rung 0 anytime");
  expect(none.submit(1, {.within = 2ms}).get(), "deadline_missed");
  auto cancelled = engine.submit(1, hour);
  cancelled.cancel();
  expect(cancelled.get(), "cancelled");
  check(gate.closed(), "the deadline waited for the last stage");
}

// A last stage that always takes longer than there is time is not begun, once that is known.
void hopeless_stages_are_not_begun(const Setting& setting) {
  if (!setting.virtual_time) return;  // it counts on milliseconds, which a busy machine does not keep to
  std::atomic<int> begun{0};
  const auto slow = sim::service<int>(sim::constant(30ms), [&](int x) { return ++begun, x; }, {.holds_worker = false});
  auto engine = setting.start(from_int([&](Stream<int> s) { return staged("n", s, guess, slow); }));
  for (int i = 0; i < 80; ++i) expect(engine.submit(1, {.within = 5ms}).get(), "2 rung 0 anytime");
  check(begun >= 8 && begun <= 20, "begun " + std::to_string(begun) + " times");
  expect(engine.submit(1).get(), "1 rung 1");
}

// Its second move throws: out of the AnytimeExit.
struct Once {
  explicit Once(int v) : n(v) {}
  Once(const Once&) = default;
  Once(Once&& o) : n(o.n), moves(o.moves + 1) {
    if (moves == most) throw std::runtime_error("will not be moved");
  }
  Once& operator=(const Once&) = default;
  int n, moves = 0;
  static inline int most = 0;
};

// Wherever a move throws, the answer that would have been left with is none, or its stage fails; with no deadline it is
// not even moved.
void an_answer_that_cannot_be_moved(const Setting& setting) {
  using Fragile = AnytimeExit<Once, int>;
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto first = [](int x) { return Fragile::go_on(x, Once(x)); };
    const auto last = [](int x) { return Once(10 * x); };
    return staged("n", s, reserve(2h), first, last).then("read", [](const Once& o) { return o.n; });
  }));
  std::vector<std::string> seen;
  for (int most = 0; most < 12; ++most) {
    Once::most = most;
    const std::string got = show(engine.submit(3, hour).get());
    const bool failed = got.ends_with(": will not be moved");
    check(failed || got == "30 rung 1" || got == "3 rung 0 anytime", "got " + got);
    seen.push_back(got);
  }
  Once::most = 0;
  const auto any = [&](const char* wanted) { return std::find(seen.begin(), seen.end(), wanted) != seen.end(); };
  check(any("3 rung 0 anytime") && any("30 rung 1"), "an answer whose move throws is not left out");
}

}  // namespace

void add_anytime_cases(std::vector<Case>& t) {
  t.push_back(flow_case("an answer beside the carry is not seen without a deadline", {"staged-anytime", "staged-last"},
                        from_int([](Stream<int> s) {
                          const auto second = [](int x) { return x > 5 ? Step::leave(100) : Step::go_on(2 * x, 7); };
                          return staged("n", s, reserve(1ms), guess, second, same).then("b", plus_one);
                        }),
                        {{2, {"5 rung 2"}}, {6, {"101 rung 1"}}}));
  t.push_back(script_case("no stage starts past the cut-off", {"cut-off-staged"}, no_stage_past_the_cut_off));
  t.push_back(script_case("the running stage is left at the cut-off", {"cut-off-staged"}, the_running_stage_is_left));
  t.push_back(script_case("a stage past the cut-off", {"cut-off-staged"}, a_late_answer_goes_on));
  t.push_back(script_case("a stage that fails before the cut-off", {"cut-off-staged-fails"}, a_failure_fails));
  t.push_back(script_case("a staged cut off anywhere in a flow", {"cut-off-staged"}, anywhere_in_a_flow));
  t.push_back(script_case("a staged in elements is not cut off", {"cut-off-each"}, elements_have_none));
  t.push_back(script_case("a staged's answer at the deadline", {"deadline-staged-anytime", "deadline-staged"},
                          an_answer_at_the_deadline));
  t.push_back(script_case("hopeless stages are not begun", {"cut-off-staged"}, hopeless_stages_are_not_begun));
  t.push_back(script_case("an answer whose move throws", {"staged-anytime-throws"}, an_answer_that_cannot_be_moved));
}

}  // namespace tailrace::test
