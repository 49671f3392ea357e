#include <array>
#include <optional>
#include <stop_token>
#include <string_view>

#include "support/expect.h"
#include "support/steps.h"

// What a request may ask for beyond a deadline: a stop token, to wait for room, to be told when it is let go of.
namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

auto waits_in(Gate& gate) {
  return from_int([&gate](Stream<int> s) { return s.then("wait", [&gate](int x) { return gate.pass(), x; }); });
}
// Callers on threads of their own, joined at the end.
struct Callers {
  std::vector<std::thread> threads;
  template <class F>
  void add(F call) {
    threads.emplace_back(call);
  }
  void join() {
    for (auto& t : threads) t.join();
    threads.clear();
  }
  ~Callers() { join(); }
};

// ---- stop tokens

void stopped_tokens_are_refused(const Setting& setting) {
  Gate gate;
  auto engine = setting.start(waits_in(gate), {.max_in_flight = 1});
  Opens opens{gate};
  std::stop_source stopped;
  stopped.request_stop();
  expect(engine.run(1, {.stop = stopped.get_token()}), Code::cancelled);
  auto a = engine.submit(1);
  expect(engine.run(1, {.within = -1ms, .stop = stopped.get_token()}), Code::cancelled);
  expect(engine.submit(1, {.stop = stopped.get_token(), .overload = Overload::wait}).get(), Code::cancelled);
  engine.stop();
  expect(engine.run(1, {.stop = stopped.get_token()}), Code::shutting_down);
  check(gate.arrived() <= 1, "a refused request started");
}

void tokens_cancel_at_once(const Setting& setting) {
  Gate gate;
  std::atomic<int> cancelled{0}, inside{0}, later{0};
  const auto caller = std::this_thread::get_id();
  {
    auto engine = setting.start(from_int([&](Stream<int> s) {
      return s.then("wait", [&](int x) { return gate.pass(), x; }).then("later", [&](int x) { return ++later, x; });
    }));
    Opens opens{gate};
    Callers callers;
    std::stop_source source;
    auto a = engine.submit(1, {.stop = source.get_token()});
    auto b = engine.submit(1, {.within = 1h, .stop = source.get_token()});
    engine
        .submit(1, {.stop = source.get_token()},
                [&](Outcome<int> o) {
                  inside += std::this_thread::get_id() == caller;
                  cancelled += code_of(o) == Code::cancelled;
                })
        .value();
    callers.add([&] { cancelled += code_of(engine.run(1, {.stop = source.get_token()})) == Code::cancelled; });
    check(eventually([&] { return gate.arrived() >= 1; }), "not started");
    source.request_stop();
    check(a.ready() && b.ready(), "not answered when request_stop returned");
    expect(a.get(), Code::cancelled);
    expect(b.get(), Code::cancelled);
    callers.join();
    check(gate.closed() && cancelled >= 1, "the answer waited for a stage");
    expect(engine.submit(1, {.stop = source.get_token()}).get(), Code::cancelled);
  }
  check(cancelled == 2 && inside == 0 && later == 0, "a callback was called inside request_stop, or a stage went on");
}

// A stage of an engine stops the source of a request whose callback could be called right there.
void callbacks_are_not_called_inside_request_stop(const Setting& setting) {
  static thread_local bool inside = false;
  std::atomic<bool> wrong{false}, called{false};
  std::stop_source source;
  Gate gate;
  {
    auto engine = setting.start(from_int([&](Stream<int> s) {
      return s.then("stop", [&](int x) {
        if (x == 0) return gate.pass(), x;
        inside = true;
        source.request_stop();
        inside = false;
        return x;
      });
    }));
    Opens opens{gate};
    engine
        .submit(setting.threads > 1 ? 0 : 1, {.stop = source.get_token()},
                [&](Outcome<int>) {
                  wrong = inside;
                  called = true;
                })
        .value();
    if (setting.threads > 1) expect(engine.submit(1).get(), Code::none);
    gate.open();
    check(eventually([&] { return called.load(); }), "the callback was not called");
  }
  check(!wrong, "a callback was called inside request_stop");
}

void tokens_that_never_stop_change_nothing(const Setting& setting) {
  const auto caller = std::this_thread::get_id();
  std::stop_source source;
  auto engine = setting.start(from_int(
      [&](Stream<int> s) { return s.then("where", [&](int) { return std::this_thread::get_id() == caller; }); }));
  check(*engine.run(1, {.stop = std::stop_token()}), "run did not use its caller's thread");
  check(!*engine.run(1, {.stop = source.get_token()}), "run lent its thread although a token may cancel it");
  for (int i = 0; i < 20; ++i) expect(engine.submit(i, {.stop = source.get_token()}).get(), Code::none);
  source.request_stop();
}

// ---- waiting for room

void callers_wait_for_room(const Setting& setting) {
  Gate gate;
  std::atomic<int> answers{0};
  auto engine = setting.start(waits_in(gate), {.max_in_flight = 1});
  Opens opens{gate};
  Callers callers;
  auto first = engine.submit(0);
  for (int i = 1; i <= 3; ++i)
    callers.add([&, i] { answers += engine.run(i, {.overload = Overload::wait}).value_or(-1) == i; });
  callers.add([&] { answers += engine.submit(4, {.within = 1h, .overload = Overload::wait}).get().value_or(-1) == 4; });
  callers.add([&] {
    engine.submit(5, {.overload = Overload::wait}, [&](Outcome<int> o) { answers += o.value_or(-1) == 5; }).value();
  });
  std::this_thread::sleep_for(2ms);
  check(answers == 0 && gate.arrived() <= 1, "more than one was let in");
  gate.open();
  expect(first.get(), Code::none);
  callers.join();
  check(eventually([&] { return answers == 5; }), "not everybody who waited was answered");
}

// The order in which four callers get in who began to wait `apart` from each other; no word from outside says that one
// waits already.
std::vector<int> order_of_entry(const Setting& setting, Duration apart) {
  Gate gate;
  std::vector<int> order;  // one request at a time
  auto engine = setting.start(from_int([&](Stream<int> s) {
                                return s.then("wait", [&](int x) {
                                  if (x == 0) gate.pass();
                                  else order.push_back(x);
                                  return x;
                                });
                              }),
                              {.max_in_flight = 1});
  Opens opens{gate};
  Callers callers;
  auto first = std::make_optional(engine.submit(0));
  std::atomic<int> answers{0};
  for (int i = 1; i <= 4; ++i) {
    callers.add([&, i] { answers += engine.run(i, {.overload = Overload::wait}).has_value(); });
    std::this_thread::sleep_for(apart);
  }
  gate.open();
  check(eventually([&] { return first->ready(); }), "not answered");
  expect(engine.run(9), Code::overloaded);  // the answer is not taken yet
  first.reset();
  callers.join();
  check(answers == 4, "one who waited was not answered");
  return order;
}
void those_who_wait_come_in_order(const Setting& setting) {
  const auto in_order = [&](Duration apart) {
    return order_of_entry(setting, apart) == std::vector<int>({1, 2, 3, 4});
  };
  check(in_order(2ms) || in_order(20ms) || in_order(200ms), "those who waited did not get in in their order");
}

// Whether somebody who waits gets in before one who asks again and again without waiting.
bool waiter_goes_first(const Setting& setting, Duration apart) {
  Gate gate;
  std::atomic<int> entered{0}, first_in{0};
  auto engine = setting.start(from_int([&](Stream<int> s) {
                                return s.then("wait", [&](int x) {
                                  if (x == 0) gate.pass();
                                  else if (entered++ == 0) first_in = x;
                                  return x;
                                });
                              }),
                              {.max_in_flight = 1});
  Opens opens{gate};
  Callers callers;
  auto holder = std::make_optional(engine.submit(0));
  std::atomic<bool> over{false};
  callers.add([&] { over = engine.run(1, {.overload = Overload::wait}).has_value() || true; });
  callers.add([&] {
    while (!over) (void)engine.run(2);
  });
  std::this_thread::sleep_for(apart);
  gate.open();
  check(eventually([&] { return holder->ready(); }), "not answered");
  holder.reset();
  callers.join();
  return first_in == 1;
}
void newcomers_do_not_overtake(const Setting& setting) {
  check(waiter_goes_first(setting, 2ms) || waiter_goes_first(setting, 20ms) || waiter_goes_first(setting, 200ms),
        "one who came later got in before one who waited");
}

void waiting_ends(const Setting& setting) {
  Gate gate;
  std::stop_source source;
  std::atomic<int> cancelled{0}, stopped{0};
  auto engine = setting.start(waits_in(gate), {.max_in_flight = 1});
  Opens opens{gate};
  auto first = engine.submit(0);
  expect(engine.run(1, {.within = 2ms, .overload = Overload::wait}), Code::deadline_missed);
  expect(engine.submit(1, {.within = 2ms, .overload = Overload::wait}).get(), Code::deadline_missed);
  Callers callers;
  callers.add([&] {
    cancelled += code_of(engine.run(1, {.stop = source.get_token(), .overload = Overload::wait})) == Code::cancelled;
  });
  for (int i = 0; i < 2; ++i)
    callers.add([&] { stopped += code_of(engine.run(1, {.overload = Overload::wait})) == Code::shutting_down; });
  callers.add([&] {
    stopped += code_of(engine.submit(1, {.within = 1h, .overload = Overload::wait}).get()) == Code::shutting_down;
  });
  std::this_thread::sleep_for(5ms);
  source.request_stop();
  check(eventually([&] { return cancelled == 1; }), "a stop token did not end the waiting");
  check(stopped == 0, "waiting ended by itself");
  engine.stop();
  callers.join();
  check(stopped == 3, "waiting did not end when the engine was stopped");
  expect(first.get(), Code::shutting_down);
  check(gate.closed() && gate.arrived() <= 1, "a request that never got in was started");
}

void nobody_waits_inside(const Setting& setting) {
  std::optional<Engine<int, int>> engine;
  std::atomic<int> inside{0};
  const auto ask = [&](int x) {
    if (x == 0) return x;
    const auto o = engine->run(x - 1, {.overload = Overload::wait});
    const auto p = engine->submit(x - 1, {.overload = Overload::wait}).get();
    return code_of(o) == Code::overloaded && code_of(p) == Code::overloaded ? 7 : -1;
  };
  engine.emplace(setting.start(from_int([&](Stream<int> s) { return s.then("ask", ask); }), {.max_in_flight = 1}));
  check(engine->run(1).value_or(-1) == 7, "run inside a stage waited for room");
  check(engine->submit(1).get().value_or(-1) == 7, "submit inside a stage waited for room");
  Gate gate;
  auto other = setting.start(waits_in(gate), {.max_in_flight = 1});
  auto held = other.submit(1);
  engine
      ->submit(0, {},
               [&](Outcome<int>) {
                 inside = code_of(other.run(1, {.overload = Overload::wait})) == Code::overloaded ? 1 : -1;
               })
      .value();
  gate.open();
  check(eventually([&] { return inside != 0; }), "a callback waited for room");
  check(inside == 1 || held.ready(), "a callback waited for room");
  engine.reset();
}

// ---- on_release

struct Releases {
  std::atomic<int> count{0};
  OnRelease one() {
    return [this] { ++count; };
  }
  bool are(int n) {
    return eventually([&] { return count == n; });
  }
};

void released_once_whatever_happens(const Setting& setting) {
  Gate gate;
  Releases released;
  std::stop_source source;
  int asked = 0;
  {
    auto engine = setting.start(
        from_int([&](Stream<int> s) {
          return s.then("a", [&](int x) { return x < 0 ? throw std::runtime_error("bang") : x ? gate.pass(), x : x; });
        }),
        {.max_in_flight = 2});
    Opens opens{gate};
    const auto with = [&](Request r) { return r.on_release = released.one(), ++asked, r; };
    expect(engine.run(0, with({})), Code::none);
    expect(engine.run(-1, with({})), Code::stage_failed);
    expect(engine.submit(0, with({})).get(), Code::none);
    check(released.are(asked), "not released after the answer");
    expect(engine.run(0, with({.within = -1ms})), Code::deadline_missed);
    check(released.count == asked, "a refused request was not released");
    auto h = engine.submit(1, with({}));
    expect(engine.submit(1, with({.within = 2ms})).get(), Code::deadline_missed);
    expect(engine.submit(1, with({.stop = source.get_token()}), [](Outcome<int>) {}) ? Outcome<int>(Result<int>(0))
                                                                                     : Outcome<int>(Result<int>(1)),
           Code::none);
    expect(engine.run(1, with({})), Code::overloaded);
    source.request_stop();
    h.cancel();
    expect(h.get(), Code::cancelled);
    gate.open();
    check(released.are(asked), "not released once");
    engine.stop();
    expect(engine.run(0, with({})), Code::shutting_down);
  }
  check(released.count == asked, "released " + std::to_string(released.count) + " of " + std::to_string(asked));
}

// The memory that a view shows is poisoned when it is released: no loser may look at it any more.
void views_live_until_the_release(const Setting& setting) {
  struct Text {
    std::string text;
    std::atomic<bool> live{true};
  };
  std::atomic<int> bad{0};
  const auto length = [&](const Text* t) {
    for (int i = 0; i < 20; ++i) {
      bad += !t->live || t->text.size() != 40;
      std::this_thread::yield();
    }
    return static_cast<int>(t->text.size());
  };
  constexpr int rounds = 60;
  std::vector<Text> texts(rounds);
  std::vector<std::unique_ptr<std::string>> heap;
  {
    auto engine = setting.start(flow<const Text*>("f",
                                                  [&](Stream<const Text*> s) {
                                                    return race(
                                                        "r", s, length, [](const Text*) { return 40; }, length);
                                                  }),
                                {.max_losers = 4});
    for (int i = 0; i < rounds; ++i) {
      Text* t = &texts[static_cast<std::size_t>(i)];
      t->text.assign(40, 'x');
      const Request r{.within = i % 3 ? 0us : 50us, .on_release = [t] {
                        t->live = false;
                        std::string().swap(t->text);
                      }};
      if (i % 2) (void)engine.run(t, r);
      else (void)engine.submit(t, r).get();
    }
  }
  for (const Text& t : texts) check(!t.live, "not released when the engine was gone");
  check(bad == 0, "memory was released while a stage looked at it");
}

void released_after_losers_and_callbacks(const Setting& setting) {
  Gate gate;
  Releases released;
  std::atomic<bool> called{false}, early{false};
  {
    auto engine = setting.start(
        from_int([&](Stream<int> s) { return race("r", s, same, [&](int x) { return gate.pass(), x; }); }),
        {.max_in_flight = 1});
    Opens opens{gate};
    const bool losers = setting.threads > 1 && setting.max_losers > 0;
    auto h = engine.submit(1, {.on_release = released.one()});
    expect(h.get(), Code::none);
    if (losers && gate.arrived() == 1) check(released.count == 0 && gate.closed(), "released while a loser runs");
    gate.open();
    check(released.are(1), "not released");
    engine
        .submit(2, {.on_release = released.one()},
                [&](Outcome<int>) {
                  std::this_thread::sleep_for(1ms);
                  early = released.count != 1;
                  called = true;
                })
        .value();
    check(released.are(2) && called && !early, "released before the callback had returned");
  }
}

void released_with_the_engine(const Setting& setting) {
  const long before = Counted::alive();
  Releases released;
  std::optional<Handle<int>> kept;
  {
    auto engine = setting.start(
        flow<Counted>("f", [](Stream<Counted> s) { return s.then("n", [](const Counted& c) { return *c; }); }));
    kept.emplace(engine.submit(Counted(5), {.on_release = released.one()}));
    check(eventually([&] { return kept->ready(); }) && released.count == 0, "released although the answer is kept");
  }
  check(released.count == 1, "not released with the engine");
  check(Counted::alive() == before, "a value other than the answer was left behind");
  check(kept->get().value_or(-1) == 5, "the answer was lost");
  kept.reset();
  check(released.count == 1, "released twice");
}

struct ReleaseLog final : Observer {
  void on_event(const Event& e) noexcept override {
    if (e.kind == Event::Kind::callback_failed && e.what == "from the release") ++failed;
  }
  std::atomic<int> failed{0};
};

void releases_are_user_code(const Setting& setting) {
  const auto log = std::make_shared<ReleaseLog>();
  std::atomic<int> answers{0};
  auto engine =
      setting.start(from_int([](Stream<int> s) { return s.then("a", same); }), {.max_in_flight = 1, .observer = log});
  expect(engine.run(1, {.on_release = [] { throw std::runtime_error("from the release"); }}), Code::none);
  check(eventually([&] { return log->failed == 1; }), "the Observer was not told");
  struct Both {
    Engine<int, int>& engine;
    std::atomic<int>& answers;
  } both{engine, answers};
  const OnRelease submits = [b = &both] {
    b->engine.submit(3, {}, [b](Outcome<int> o) { b->answers += o.value_or(-1) == 3 ? 1 : 100; }).value();
  };
  expect(engine.run(2, {.on_release = submits}), Code::none);
  check(eventually([&] { return answers == 1; }), "on_release could not submit");
}

// ---- memory

// Requests that are answered at their deadline while no thread comes to look at them.
void memory_of_answered_requests_is_bounded(const Setting& setting) {
  Gate gate;
  auto engine = setting.start(waits_in(gate), {.max_in_flight = 1, .max_losers = 0});
  Opens opens{gate};
  const auto ask = [&] { return code_of(engine.submit(1, {.within = 2ms}).get()); };
  unsigned answered = 0;
  Code code = ask();
  for (; code == Code::deadline_missed && answered < 1000; code = ask()) ++answered;
  check(code == Code::overloaded && answered > setting.threads, "not so many requests had memory");
  gate.open();
  check(eventually([&] { return code_of(engine.run(1)) == Code::none; }), "the memory did not come back");
}

}  // namespace

void add_admission_cases(std::vector<Case>& t) {
  t.push_back(
      script_case("stopped tokens are refused", {"admit-cancelled", "admit-order"}, stopped_tokens_are_refused));
  t.push_back(script_case("a token cancels at once", {"cancel-token", "run-deadline"}, tokens_cancel_at_once));
  t.push_back(script_case("no callback inside request_stop", {"cancel-token-apart"},
                          callbacks_are_not_called_inside_request_stop));
  t.push_back(
      script_case("a token that never stops", {"run-caller", "run-deadline"}, tokens_that_never_stop_change_nothing));
  t.push_back(script_case("callers wait for room", {"wait-room"}, callers_wait_for_room));
  t.push_back(script_case("those who wait come in order", {"wait-order"}, those_who_wait_come_in_order));
  t.push_back(script_case("newcomers do not overtake", {"wait-first"}, newcomers_do_not_overtake));
  t.push_back(script_case("waiting ends", {"wait-deadline", "wait-cancelled", "wait-stopped"}, waiting_ends));
  t.push_back(script_case("nobody waits inside", {"wait-inside"}, nobody_waits_inside));
  t.push_back(script_case("released once", {"release-once"}, released_once_whatever_happens));
  t.push_back(script_case("views live until the release", {"release-last"}, views_live_until_the_release));
  t.push_back(script_case("released after losers and callbacks", {"release-last", "release-callback"},
                          released_after_losers_and_callbacks));
  t.push_back(
      script_case("released with the engine", {"release-destroyed", "destroy-nothing"}, released_with_the_engine));
  t.push_back(script_case("releases are user code", {"release-throws", "release-submits"}, releases_are_user_code));
  t.push_back(
      script_case("memory of answered requests is bounded", {"admit-memory"}, memory_of_answered_requests_is_bounded));
}

}  // namespace tailrace::test
