// The cut-off of a cascade that more stages follow. Deadlines are an hour away and reserves nearly as long, so that the
// cut-off comes at once and the deadline never.
#include "support/expect.h"
#include "support/steps.h"
#include "tailrace/sim/service.h"

namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

const Request hour{.within = 1h};
const std::string missed = "deadline_missed";

// A flow that is cut off so long after a request with an hour's time began.
template <class... Rungs>
auto cut_after(Duration time, Rungs... rungs) {
  return from_int([&](Stream<int> s) {
    return cascade("k", s.then("a", plus_one), reserve(1h - time), rungs...).then("b", twice);
  });
}
template <class... Rungs>
auto cut_at_once(Rungs... rungs) {
  return cut_after(-1h, rungs...);
}

// Where the cut-off has passed, no second rung starts, however the request is made.
void no_rung_past_the_cut_off(const Setting& setting) {
  std::atomic<int> second{0};
  const auto counts = [&](int x) { return ++second, x; };
  auto engine = setting.start(cut_at_once(exit_if(plus_one, never_so), counts));
  auto stops = setting.start(cut_at_once(exit_if(plus_one, always), counts));
  auto fails = setting.start(cut_at_once(exit_if(bang, always), exit_if(plus_one, throwing_test), counts));
  for (int i = 0; i < 5; ++i) {
    expect(engine.run(1, hour), "6 rung 0 anytime");
    expect(engine.submit(1, hour).get(), "6 rung 0 anytime");
    expect(stops.submit(1, hour).get(), "6 rung 0");
    expect(stops.run(1, hour), "6 rung 0");
    expect(fails.submit(1, hour).get(), "6 rung 1 anytime");
  }
  check(second == 0, "a rung started past the cut-off");
  expect(engine.run(1), "4 rung 1");
  expect(engine.submit(1).get(), "4 rung 1");
  check(second == 2, "without a deadline there is nothing to cut off");
}

void the_running_rung_is_left(const Setting& setting) {
  if (!setting.holds_a_loser()) return;
  std::atomic<int> told{0};
  Gate gate;
  {
    const auto slow = [&](int x, const Context& c) {
      gate.pass();
      told += eventually([&] { return c.stop_requested(); });
      return x;
    };
    auto engine = setting.start(cut_after(10ms, exit_if(plus_one, never_so), slow));
    Opens opens{gate};
    expect(engine.submit(1, hour).get(), "6 rung 0 anytime");
    if (setting.threads > 2) expect(engine.run(1, hour), "6 rung 0 anytime");
    check(gate.closed(), "the cut-off waited for the running rung");
  }
  check(told == gate.arrived(), "the rung that was left was not told to stop");
}

// A rung that ends when it is told to needs no second thread.
void the_running_rung_is_told(const Setting& setting) {
  if (setting.max_losers == 0 || !setting.on_the_clock) return;
  const auto patient = [](int x, const Context& c) { return eventually([&] { return c.stop_requested(); }), x; };
  auto engine = setting.start(cut_after(2ms, exit_if(plus_one, never_so), exit_if(bang, always), patient));
  expect(engine.submit(1, hour).get(), "6 rung 0 anytime");
  expect(engine.run(1, hour), "6 rung 0 anytime");
}

// The rung that runs at the cut-off gives its answer, which goes on: the first one, or one that nobody could leave.
void a_late_answer_goes_on(const Setting& setting) {
  if (setting.virtual_time) return;  // no time passes in a stage
  std::atomic<int> more{0};
  const auto slow = [](int x) { return std::this_thread::sleep_for(4ms), x; };
  const auto counts = [&](int x) { return ++more, x; };
  auto first = setting.start(cut_after(2ms, exit_if(bang, always), exit_if(slow, never_so), counts));
  expect(first.submit(1, hour).get(), "4 rung 1 anytime");
  expect(first.run(1, hour), "4 rung 1 anytime");
  Setting strict = setting;
  strict.max_losers = 0;
  std::atomic<int> second{0};
  const auto counted = [&](int x) { return ++second, slow(x); };
  auto in_order = strict.start(cut_after(2ms, exit_if(plus_one, never_so), exit_if(counted, never_so), counts));
  for (int i = 0; i < 5; ++i) {
    const int before = second;
    const auto o = in_order.submit(1, hour).get();
    expect(o, second == before ? "6 rung 0 anytime" : "4 rung 1 anytime");
  }
  auto no_answer = strict.start(cut_after(2ms, exit_if(plus_one, never_so), [&](int x) { return bang(slow(x)); }));
  expect(no_answer.submit(1, hour).get(), "6 rung 0 anytime");
  check(more == 0, "a rung started past the cut-off");
}

void no_answer_is_missed(const Setting& setting) {
  if (!setting.on_the_clock) return;  // who waits runs the stage that the case holds
  Gate gate;
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto slow = [&](int x) { return gate.pass(), x; };
    return cascade("k", s, reserve(1ms), exit_if(bang, always), exit_if(slow, always), plus_one).then("b", twice);
  }));
  Opens opens{gate};
  expect(engine.submit(1, {.within = 5ms}).get(), missed);
  check(gate.closed(), "the deadline waited for the first answer");
}

// A cascade in an arm, in a rung of another one, in a branch and behind another one.
void anywhere_in_a_flow(const Setting& setting) {
  const auto inner = flow<int>("inner", [](Stream<int> s) {
    return cascade("k", s, reserve(2h), exit_if(plus_one, never_so), bang).then("b", twice);
  });
  auto chosen = setting.start(from_int([&](Stream<int> s) { return choose("c", s, give(0), inner, same); }));
  auto raced = setting.start(from_int([&](Stream<int> s) { return race("r", s, bang, inner); }));
  auto lost = setting.start(from_int([&](Stream<int> s) {
    return race("r", s, valid_if([](int x) { return x == 1; }), inner, same).then("b", twice);
  }));
  auto rung = setting.start(from_int(
      [&](Stream<int> s) { return cascade("o", s, reserve(0ms), exit_if(same, never_so), inner).then("b", twice); }));
  auto joined = setting.start(from_int([&](Stream<int> s) {
    const auto both = cascade("k", s, reserve(2h), exit_if(plus_one, never_so), bang);
    return join_with(
        "j", [](int a, int b) { return 100 * a + b; }, both.then("b", twice), s.then("c", same));
  }));
  auto two = setting.start(from_int([&](Stream<int> s) {
    return cascade("l", cascade("k", s, reserve(2h), exit_if(plus_one, never_so), bang), exit_if(same, never_so),
                   twice);
  }));
  for (int i = 0; i < 5; ++i) {
    expect(chosen.submit(1, hour).get(), "4 rung 0 anytime");
    expect(raced.submit(1, hour).get(), "4 rung 0 winner 1 anytime");
    expect(lost.submit(1, hour).get(), "2 winner 1");
    expect(rung.submit(1, hour).get(), "8 rung 1 anytime");
    expect(joined.run(1, hour), "401 rung 0 anytime");
    expect(two.run(1, hour), "4 rung 1 anytime");
  }
}

void elements_have_none(const Setting& setting) {
  const auto element = flow<int>("element", [](Stream<int> s) {
    return cascade("k", s, reserve(2h), exit_if(plus_one, never_so), same).then("b", twice);
  });
  auto engine = setting.start(from_int([&](Stream<int> s) { return each("e", s.then("v", count_up), element); }));
  expect(engine.submit(3, hour).get(), "[0 2 4]");
}

// Who stops the request stops its timer, also where the cut-off is far away.
void cancelling_ends_it(const Setting& setting) {
  Gate gate;
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto slow = [&](int x) { return gate.pass(), x; };
    return cascade("k", s, reserve(1ms), exit_if(plus_one, never_so), slow).then("b", twice);
  }));
  Opens opens{gate};
  auto a = engine.submit(1, hour);
  a.cancel();
  expect(a.get(), "cancelled");
  auto b = engine.submit(1, hour);
  engine.stop();
  expect(b.get(), "shutting_down");
}

// A cascade that ends the flow may be cut off too, before its deadline.
void also_at_the_end(const Setting& setting) {
  auto engine = setting.start(
      from_int([](Stream<int> s) { return cascade("k", s, reserve(2h), exit_if(plus_one, never_so), bang); }));
  expect(engine.submit(1, hour).get(), "2 rung 0 anytime");
  expect(engine.run(1, hour), "2 rung 0 anytime");
  if (!setting.holds_a_loser()) return;
  Gate gate;
  auto held = setting.start(from_int([&](Stream<int> s) {
    return cascade("k", s, reserve(1h - 2ms), exit_if(plus_one, never_so), [&](int x) { return gate.pass(), x; });
  }));
  Opens opens{gate};
  expect(held.submit(1, hour).get(), "2 rung 0 anytime");
  check(gate.closed(), "the cut-off waited for the running rung");
}

// A second rung that always takes longer than there is time: from when that is known it is not begun, but for one
// in 32.
void hopeless_rungs_are_not_begun(const Setting& setting) {
  if (!setting.virtual_time) return;  // it counts on milliseconds, which a busy machine does not keep to
  std::atomic<int> begun{0};
  const auto slow = sim::service<int>(sim::constant(30ms), [&](int x) { return ++begun, x; }, {.holds_worker = false});
  auto at_the_end =
      setting.start(from_int([&](Stream<int> s) { return cascade("k", s, exit_if(plus_one, never_so), slow); }));
  auto followed = setting.start(from_int([&](Stream<int> s) {
    return cascade("k", s, reserve(1h - 3ms), exit_if(plus_one, never_so), slow).then("b", same);
  }));
  const auto look = [&](auto& engine, const Request& request) {
    const auto ask = [&] {
      const int before = begun;
      auto o = engine.submit(1, request).get();
      while (code_of(o) == Code::deadline_missed) o = engine.submit(1, request).get();  // a busy machine
      expect(o, "2 rung 0 anytime");
      return begun - before;
    };
    int taught = 0, asked = 0;
    for (int idle = 0; idle < 5 && asked < 400; ++asked) {
      const int more = ask();
      taught += more;
      idle = more || taught < 8 ? 0 : idle + 1;
    }
    check(taught >= 8 && asked < 400, "begun " + std::to_string(taught) + " times before it was known");
    int again = 0;
    for (int i = 0; i < 70; ++i) again += ask();
    check(again >= 1 && again <= 6, "of 70 it was begun " + std::to_string(again) + " times");
    expect(engine.submit(1).get(), "1 rung 1");
  };
  look(at_the_end, {.within = 5ms});
  if (setting.max_losers > 0) look(followed, hour);  // otherwise the answer waits for the rung
}

}  // namespace

void add_cut_off_cases(std::vector<Case>& t) {
  t.push_back(script_case("no rung starts past the cut-off",
                          {"cut-off", "cut-off-rung", "cut-off-no-rung", "cut-off-deadline"},
                          no_rung_past_the_cut_off));
  t.push_back(script_case("the running rung is left at the cut-off", {"cut-off", "cut-off-told", "cut-off-not-waited"},
                          the_running_rung_is_left));
  t.push_back(script_case("the running rung is told of the cut-off", {"cut-off-told"}, the_running_rung_is_told));
  t.push_back(
      script_case("an answer past the cut-off goes on", {"cut-off-none", "cut-off-in-order"}, a_late_answer_goes_on));
  t.push_back(script_case("no answer at the cut-off", {"cut-off-none"}, no_answer_is_missed));
  t.push_back(script_case("cut off anywhere in a flow", {"cut-off"}, anywhere_in_a_flow));
  t.push_back(script_case("elements are not cut off", {"cut-off-each"}, elements_have_none));
  t.push_back(script_case("cancelled before the cut-off", {"cut-off-deadline"}, cancelling_ends_it));
  t.push_back(script_case("hopeless rungs are not begun", {"cut-off-hopeless", "cut-off-known", "cut-off-probe"},
                          hopeless_rungs_are_not_begun));
  t.push_back(script_case("cut off at the end of a flow", {"cut-off"}, also_at_the_end));
}

}  // namespace tailrace::test
