#include <array>
#include <optional>
#include <stop_token>

#include "support/expect.h"
#include "support/steps.h"

namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

// ---- admission

void in_flight_is_bounded(const Setting& setting) {
  Gate gate;
  auto engine =
      setting.start(from_int([&](Stream<int> s) { return s.then("wait", [&](int x) { return gate.pass(), x; }); }),
                    {.max_in_flight = 2});
  Opens opens{gate};
  auto a = engine.submit(1);
  std::optional<Handle<int>> b = engine.submit(2);
  expect(engine.submit(3).get(), Code::overloaded);
  expect(engine.run(3), Code::overloaded);
  std::atomic<bool> called{false};
  const auto refused = [&](const Request& r) {
    const Status s = engine.submit(3, r, [&](Outcome<int>) { called = true; });
    return s ? Code::none : s.error().code();
  };
  std::stop_source source;
  source.request_stop();
  check(refused({}) == Code::overloaded, "a third request was let in");
  check(refused({.within = -1ms}) == Code::deadline_missed, "a request past its deadline was let in");
  check(refused({.stop = source.get_token()}) == Code::cancelled, "a stopped request was let in");
  gate.open();
  check(eventually([&] { return a.ready() && b->ready(); }), "not answered");
  expect(engine.submit(3).get(), Code::overloaded);  // answered, but not taken
  expect(a.get(), Code::none);
  b.reset();
  check(eventually([&] { return engine.run(3).has_value(); }), "no room although everything was answered and taken");
  engine.stop();
  check(refused({}) == Code::shutting_down, "a stopped engine let a request in");
  check(engine.drain().empty() && !called, "a refusal was returned, and the callback called besides");
}

void checks_come_in_order(const Setting& setting) {
  Gate gate;
  std::atomic<int> started{0};
  auto engine = setting.start(
      from_int([&](Stream<int> s) { return s.then("wait", [&](int x) { return ++started, gate.pass(), x; }); }),
      {.max_in_flight = 1});
  Opens opens{gate};
  auto a = engine.submit(1);
  check(setting.meanwhile || eventually([&] { return started == 1; }), "not started");
  expect(engine.run(2), Code::overloaded);
  expect(engine.run(2, {.within = -1ms}), Code::deadline_missed);
  expect(engine.submit(2, {.deadline = TimePoint(-1ms)}).get(), Code::deadline_missed);
  engine.stop();
  expect(engine.run(2, {.within = -1ms}), Code::shutting_down);
  expect(a.get(), Code::shutting_down);
  check(started <= 1, "a refused request started");
}

void losers_do_not_count(const Setting& setting) {
  if (setting.threads < 2) return;
  const auto slow = [](int x) { return std::this_thread::sleep_for(1ms), x; };
  auto engine = setting.start(from_int([&](Stream<int> s) { return race("r", s, same, slow); }),
                              {.max_in_flight = 1, .max_losers = 8});
  for (int i = 0; i < 60; ++i) expect(engine.run(i), Code::none);
}

// ---- whose thread

void submit_runs_nothing_here(const Setting& setting) {
  const auto caller = std::this_thread::get_id();
  auto engine = setting.start(from_int(
      [&](Stream<int> s) { return s.then("where", [&](int) { return std::this_thread::get_id() == caller; }); }));
  for (int i = 0; i < 50; ++i) check(!*engine.submit(i).get(), "submit ran a stage on its caller's thread");
  check(*engine.run(1), "run did not use its caller's thread");
  check(!*engine.run(1, {.within = 10s}), "run with a deadline lent its thread to a stage that is not quick");
}

void quick_stages_run_on_the_caller(const Setting& setting) {
  const auto caller = std::this_thread::get_id();
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return s.then("where", stage([&](int) { return std::this_thread::get_id() == caller; }, {.quick = true}));
  }));
  check(*engine.run(1, {.within = 10s}), "a quick stage was handed over");
}

// ---- handles

void handles_wait_and_poll(const Setting& setting) {
  Gate gate;
  auto engine =
      setting.start(from_int([&](Stream<int> s) { return s.then("wait", [&](int x) { return gate.pass(), x; }); }));
  Opens opens{gate};
  auto h = engine.submit(4);
  check(!h.ready() && !h.try_get() && !h.try_get(2ms), "an answer before there was one");
  gate.open();
  const auto o = h.try_get(20s);
  check(o && *o && **o == 4, "no answer");
  auto huge = engine.submit(5);
  check(huge.try_get(Duration::max()).value().value() == 5, "no answer");
}

void dropping_a_handle_cancels_nothing(const Setting& setting) {
  Gate gate;
  std::atomic<int> ended{0};
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return s.then("wait", [&](int x) { return gate.pass(), x; }).then("end", [&](int x) { return ++ended, x; });
  }));
  Opens opens{gate};
  for (int i = 0; i < 5; ++i) (void)engine.submit(i);
  gate.open();
  check(eventually([&] { return ended == 5; }), "a request whose handle was dropped did not go on");
}

// ---- callbacks

struct CallbackLog final : Observer {
  void on_event(const Event& e) noexcept override {
    if (e.kind == Event::Kind::callback_failed && e.what == "from the callback") ++failed;
    if (e.kind == Event::Kind::answered && e.code == Code::deadline_missed) ++missed;
  }
  std::atomic<int> failed{0}, missed{0};
};

void callbacks_come_once_on_the_executor(const Setting& setting) {
  Gate gate;
  const auto log = std::make_shared<CallbackLog>();
  const auto caller = std::this_thread::get_id();
  std::atomic<int> calls{0}, wrong{0}, missed{0};
  const auto callback = [&](Outcome<int> o) {
    ++calls;
    if (!o) ++missed;
    if (std::this_thread::get_id() == caller || (setting.executor && !setting.executor->on_worker())) ++wrong;
  };
  {
    auto engine = setting.start(
        from_int([&](Stream<int> s) {
          return s.then("wait", [&](int x) { return x % 2 ? eventually([&] { return !gate.closed(); }), x : x; });
        }),
        {.observer = log});
    Opens opens{gate};
    std::array<char, 100> large{};
    for (int i = 0; i < 8; ++i) engine.submit(2 * i, {}, callback).value();
    engine.submit(2, {}, [large, &callback](Outcome<int> o) { callback(std::move(o)), (void)large; }).value();
    engine.submit(4, {}, [p = std::make_unique<int>(1), &callback](Outcome<int> o) { callback(std::move(o)), (void)p; })
        .value();
    check(eventually([&] { return calls == 10; }), "not every callback was called");
    for (int i = 0; i < 4; ++i) engine.submit(1, {.within = 1ms}, callback).value();
    check(eventually([&] { return log->missed == 4; }), "no deadline passed");
    gate.open();
  }
  check(calls == 14, "callbacks were called " + std::to_string(calls) + " times");
  check(wrong == 0, "a callback came on the caller's or a timer's thread");
  check(missed == 4, "an outcome was not fixed at its deadline");
}

void callbacks_may_throw(const Setting& setting) {
  auto log = std::make_shared<CallbackLog>();
  auto engine = setting.start(from_int([](Stream<int> s) { return s.then("a", same); }), {.observer = log});
  for (int i = 0; i < 5; ++i)
    engine.submit(i, {}, [](Outcome<int>) { throw std::runtime_error("from the callback"); }).value();
  check(eventually([&] { return log->failed == 5; }), "the Observer was not told");
  expect(engine.run(1), Code::none);
}

// ---- cancellation

void cancelled_before_it_starts(const Setting& setting) {
  Gate gate;
  std::atomic<int> started{0};
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return s.then("wait", [&](int x) { return (x < 0 ? void(++started) : gate.pass()), x; });
  }));
  Opens opens{gate};
  std::vector<Handle<int>> busy;
  const unsigned threads = setting.meanwhile ? 0 : setting.threads;  // otherwise nothing runs before somebody waits
  for (unsigned i = 0; i < threads; ++i) busy.push_back(engine.submit(1));
  check(eventually([&] { return gate.arrived() == static_cast<int>(threads); }), "not started");
  auto h = engine.submit(-1);
  h.cancel();
  expect(h.get(), Code::cancelled);
  gate.open();
  for (auto& b : busy) expect(b.get(), Code::none);
  expect(engine.submit(2).get(), Code::none);
  check(started == 0, "a cancelled request started");
}

struct FailedStages final : Observer {
  void on_event(const Event& e) noexcept override { count += e.kind == Event::Kind::stage_failed; }
  std::atomic<int> count{0};
};

void cancelled_while_it_runs(const Setting& setting) {
  Gate gate;
  std::atomic<int> flag{0}, left{0}, later{0};
  const auto failures = std::make_shared<FailedStages>();
  std::optional<Handle<int>> h;
  {
    auto engine = setting.start(from_int([&](Stream<int> s) {
                                  const auto look = [&](int x, const Context& c) {
                                    if (c.stop_requested()) ++left;  // not yet
                                    if (setting.meanwhile) h->cancel();
                                    else gate.pass();
                                    if (c.stop_requested()) ++flag;
                                    c.checkpoint();
                                    ++left;
                                    return x;
                                  };
                                  return s.then("look", look).then("later", [&](int x) { return ++later, x; });
                                }),
                                {.observer = failures});
    Opens opens{gate};
    h.emplace(engine.submit(1));
    check(eventually([&] { return setting.meanwhile ? h->ready() : gate.arrived() == 1; }), "not started");
    h->cancel();
    check(h->ready(), "not answered at once");
    expect(h->get(), Code::cancelled);
    check(gate.closed(), "the answer waited for the stage");
  }
  check(flag == 1 && left == 0, "the stage did not see that it was cancelled, or did not leave");
  check(later == 0, "a stage started in a cancelled request");
  check(failures->count == 0, "leaving by checkpoint() showed as a failure");
}

void cancelled_after_the_answer(const Setting& setting) {
  auto engine = setting.start(from_int([](Stream<int> s) { return s.then("a", same); }));
  auto h = engine.submit(6);
  check(eventually([&] { return h.ready(); }), "not answered");
  h.cancel();
  check(show(h.get()) == "6", "an answer was taken back");
  auto refused = engine.submit(1, {.within = -1ms});
  refused.cancel();
  expect(refused.get(), Code::deadline_missed);
}

}  // namespace

void add_request_cases(std::vector<Case>& t) {
  t.push_back(
      script_case("in flight is bounded", {"admit-room", "admit-counts", "admit-refused"}, in_flight_is_bounded));
  t.push_back(script_case("admission checks come in order", {"admit-stopped", "admit-deadline", "admit-order"},
                          checks_come_in_order));
  t.push_back(script_case("losers do not count", {"admit-losers"}, losers_do_not_count));
  t.push_back(script_case("submit runs nothing on the caller", {"submit-elsewhere", "run-caller", "run-deadline"},
                          submit_runs_nothing_here));
  t.push_back(script_case("quick stages run on the caller", {"run-deadline"}, quick_stages_run_on_the_caller));
  t.push_back(script_case("handles wait and poll", {"handle-get"}, handles_wait_and_poll));
  t.push_back(script_case("a dropped handle", {"handle-dropped"}, dropping_a_handle_cancels_nothing));
  t.push_back(script_case("callbacks come once, on the executor",
                          {"callback-once", "callback-thread", "deadline-callback"},
                          callbacks_come_once_on_the_executor));
  t.push_back(script_case("callbacks may throw", {"callback-throws"}, callbacks_may_throw));
  t.push_back(script_case("cancelled before it starts", {"cancel-before"}, cancelled_before_it_starts));
  t.push_back(script_case("cancelled while it runs",
                          {"cancel-once", "cancel-flag", "cancel-checkpoint", "cancel-stages"},
                          cancelled_while_it_runs));
  t.push_back(script_case("cancelled after the answer", {"cancel-after"}, cancelled_after_the_answer));
}

}  // namespace tailrace::test
