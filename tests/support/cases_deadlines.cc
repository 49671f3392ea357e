#include <algorithm>
#include <functional>
#include <stop_token>

#include "support/expect.h"
#include "support/steps.h"

namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

const std::string missed = "deadline_missed";

void answered_at_the_deadline(const Setting& setting) {
  Gate gate;
  std::atomic<int> later{0};
  {
    auto engine = setting.start(from_int([&](Stream<int> s) {
      return s.then("wait", [&](int x) { return gate.pass(), x; }).then("later", [&](int x) { return ++later, x; });
    }));
    Opens opens{gate};
    expect(engine.run(1, {.within = 2ms}), missed);
    expect(engine.submit(1, {.within = 2ms}).get(), missed);
    expect(engine.run(1, {.within = 1h, .deadline = Clock::now() + 2ms}), missed);
    expect(engine.submit(1, {.within = 2ms, .deadline = Clock::now() + 1h}).get(), missed);
    check(gate.closed(), "an answer waited for a stage");
  }
  check(later == 0, "a stage started past the deadline");
}

void in_time_is_in_time(const Setting& setting) {
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return s.then("a", [](int x, const Context& c) { return c.deadline() != never && !c.stop_requested() ? x : -1; })
        .then("b", plus_one);
  }));
  for (int i = 0; i < 20; ++i) {
    expect(engine.run(i, {.within = 1h}), show(i + 1));
    expect(engine.submit(i, {.deadline = Clock::now() + 1h}).get(), show(i + 1));
    expect(engine.run(i, {.within = std::chrono::hours(24 * 36500)}), show(i + 1));
  }
  expect(engine.run(1, {.within = Duration::max()}), "0");  // no deadline
}

void stages_are_told(const Setting& setting) {
  std::atomic<int> told{0}, began{0};
  {
    auto engine = setting.start(from_int([&](Stream<int> s) {
      return s.then("patient", [&](int x, const Context& c) {
        ++began;
        return told += eventually([&] { return c.stop_requested(); }), x;
      });
    }));
    while (began == 0) expect(engine.submit(1, {.within = 2ms}).get(), missed);
  }
  check(told == began, "the stage was not told that the deadline has passed");
}

void elements_are_told(const Setting& setting) {
  std::atomic<int> told{0}, began{0};
  {
    auto engine = setting.start(from_int([&](Stream<int> s) {
      return each("e", s.then("v", count_up),
                  [&](int x, const Context& c) {
                    ++began;
                    told += eventually([&] { return c.stop_requested(); });
                    return x;
                  })
          .then("n", [](const std::vector<int>& v) { return static_cast<int>(v.size()); });
    }));
    expect(engine.submit(50, {.within = 10ms}).get(), missed);
  }
  check(told == began && began <= 4, "an element was not told, or began past the deadline");
}

void slow_quick_stages_are_late(const Setting& setting) {
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return s.then("a", stage([](int x) { return std::this_thread::sleep_for(5ms), x; }, {.quick = true}));
  }));
  expect(engine.run(1, {.within = 1ms}), "1 late");
  check(eventually([&] { return show(engine.submit(1, {.within = 1ms}).get()) == missed; }),
        "a submitted request was late");
}

// ---- cascades that are cut short

void the_best_answer_goes_out(const Setting& setting) {
  Gate gate;
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto slow = [&](int x) { return gate.pass(), x; };
    return cascade("k", s.then("a", plus_one), exit_if(give(7), never_so), exit_if(bang, always),
                   exit_if(twice, never_so), slow);
  }));
  Opens opens{gate};
  const auto soon = [&](auto ask) {  // as soon as the machine gets through the rungs before it
    auto within = 20ms;
    auto o = ask(within);
    for (; show(o) == missed && within < 5s; o = ask(within)) within *= 2;
    expect(o, "4 rung 2 anytime");
  };
  if (setting.threads > 2) soon([&](auto within) { return engine.run(1, {.within = within}); });
  soon([&](auto within) { return engine.submit(1, {.within = within}).get(); });
  check(gate.closed(), "the answer waited for the last rung");
  gate.open();
  expect(engine.submit(1, {.within = 1h}).get(), "2 rung 3");
}

// A rung's answer is not the best one before its exit test has returned.
void tests_keep_their_answer(const Setting& setting) {
  Gate gate;
  std::atomic<int> bad{0};
  {
    auto engine = setting.start(from_int([&](Stream<int> s) {
      const auto waits = [&](const std::string& x) {
        gate.pass();
        if (x.size() != 41) ++bad;
        return false;
      };
      return cascade("k", s, exit_if(spell, waits), spell);
    }));
    Opens opens{gate};
    const auto o = engine.submit(1, {.within = 2ms}).get();
    check(show(o) == missed, "expected no answer yet, got " + show(o));
  }
  check(bad == 0, "an exit test's answer was taken away under it");
}

void nothing_yet_is_missed(const Setting& setting) {
  Gate gate;
  auto engine = setting.start(from_int(
      [&](Stream<int> s) { return cascade("k", s, exit_if(bang, always), [&](int x) { return gate.pass(), x; }); }));
  Opens opens{gate};
  expect(engine.submit(1, {.within = 2ms}).get(), missed);
}

// Cancellation and shutdown take no answer, also where a deadline would.
void only_deadlines_cut_short(const Setting& setting) {
  Gate gate;
  std::stop_source source;
  std::function<void()> inside;  // where nobody else runs meanwhile, the rung does it
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return cascade("k", s, exit_if(plus_one, never_so),
                   [&](int x) { return (setting.meanwhile ? inside() : gate.pass()), x; });
  }));
  Opens opens{gate};
  int started = 0;
  const auto ends_with = [&](Code code, const Request& request, const std::function<void(Handle<int>&)>& end) {
    auto h = engine.submit(1, request);
    inside = [&] { end(h); };
    if (!setting.meanwhile) {
      started = std::min(started + 1, static_cast<int>(setting.threads));  // of those before it, none goes on
      check(eventually([&] { return gate.arrived() == started; }), "not started");
      end(h);
    }
    expect(h.get(), code);
  };
  ends_with(Code::cancelled, {.within = 1h}, [](Handle<int>& h) { h.cancel(); });
  ends_with(Code::cancelled, {.within = 1h, .stop = source.get_token()}, [&](auto&) { source.request_stop(); });
  ends_with(Code::shutting_down, {.within = 1h}, [&](auto&) { engine.stop(); });
}

// ---- races

void losers_are_not_waited_for(const Setting& setting) {
  if (setting.threads < 2 || setting.max_losers == 0) return;
  Gate gate;
  std::atomic<int> told{0};
  {
    auto engine = setting.start(from_int([&](Stream<int> s) {
      const auto slow = [&](int x, const Context& c) {
        gate.pass();
        told += eventually([&] { return c.stop_requested(); });
        return x;
      };
      const auto fast = [&](int x) { return eventually([&] { return gate.arrived() > 0; }), x + 1; };
      return race("r", s, slow, fast).then("t", twice);
    }));
    Opens opens{gate};
    expect(engine.run(1), "4 winner 1");
    if (setting.threads > 2) expect(engine.submit(1).get(), "4 winner 1");
    check(gate.closed(), "the race waited for its loser");
  }
  check(told >= 1 && told == gate.arrived(), "the loser was not told to stop");
}

void arms_run_at_the_same_time(const Setting& setting) {
  if (setting.threads < 2 || setting.max_losers == 0) return;
  std::atomic<int> inside{0};
  const auto meet = [&](int x) { return ++inside, eventually([&] { return inside >= 2; }) ? x : -1; };
  auto engine = setting.start(
      from_int([&](Stream<int> s) { return race("r", s, valid_if([](int x) { return x > 0; }), meet, meet); }));
  check(engine.submit(1).get().has_value(), "the arms did not meet");
}

void races_without_room_run_in_order(const Setting& setting) {
  Setting strict = setting;
  strict.max_losers = 0;
  std::atomic<int> inside{0}, most{0};
  const auto arm = [&](int x) {
    most = std::max<int>(most, ++inside);
    std::this_thread::sleep_for(100us);
    --inside;
    return x;
  };
  auto engine = strict.start(from_int([&](Stream<int> s) {
    return race(
        "r", s, valid_if([](int x) { return x > 2; }), arm, bang, [&](int x) { return 2 * arm(x); },
        [&](int x) { return 3 * arm(x); });
  }));
  for (int i = 0; i < 5; ++i) {
    expect(engine.submit(3).get(), "3 winner 0");
    expect(engine.run(2), "4 winner 2");
  }
  check(most == 1, "arms ran at the same time although there was no room for losers");
}

}  // namespace

void add_deadline_cases(std::vector<Case>& t) {
  t.push_back(script_case("answered at the deadline", {"deadline-answered", "deadline-earlier", "deadline-block"},
                          answered_at_the_deadline));
  t.push_back(script_case("in time is in time", {"deadline-context"}, in_time_is_in_time));
  t.push_back(script_case("stages are told of the deadline", {"deadline-context"}, stages_are_told));
  t.push_back(script_case("elements are told of the deadline", {"deadline-context"}, elements_are_told));
  t.push_back(script_case("quick stages that are not", {"deadline-late"}, slow_quick_stages_are_late));
  t.push_back(script_case("the best answer goes out", {"deadline-anytime"}, the_best_answer_goes_out));
  t.push_back(script_case("exit tests keep their answer", {"deadline-best"}, tests_keep_their_answer));
  t.push_back(script_case("no answer yet", {"deadline-none"}, nothing_yet_is_missed));
  t.push_back(script_case("only deadlines cut short", {"deadline-only"}, only_deadlines_cut_short));
  t.push_back(script_case("losers are not waited for", {"race-losers-told", "race-losers-not-waited"},
                          losers_are_not_waited_for));
  t.push_back(script_case("arms run at the same time", {"race-together"}, arms_run_at_the_same_time));
  t.push_back(script_case("races without room run in order", {"race-in-order"}, races_without_room_run_in_order));
}

}  // namespace tailrace::test
