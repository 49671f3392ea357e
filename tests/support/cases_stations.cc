#include <algorithm>

#include "support/elsewhere.h"
#include "support/expect.h"
#include "support/line.h"
#include "support/steps.h"

namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

// How many are inside at once.
struct Meter {
  std::atomic<int> inside{0}, most{0};
  void enter() {
    const int now = ++inside;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
  }
  void leave() { --inside; }
};
struct Inside {
  Meter& meter;
  explicit Inside(Meter& m) : meter(m) { m.enter(); }
  ~Inside() { meter.leave(); }
};

void at_most(const Setting& setting, const StageOptions& options, int limit) {
  Meter meter;
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto work = [&](int x) {
      const Inside here(meter);
      std::this_thread::sleep_for(50us);
      return x + 1;
    };
    return s.then("before", same).then("narrow", stage(work, options)).then("after", same);
  }));
  std::vector<Handle<int>> handles;
  for (int i = 0; i < 60; ++i) handles.push_back(engine.submit(i));
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int c = 0; c < 3; ++c)
    callers.emplace_back([&] {
      for (int i = 0; i < 20; ++i) wrong += engine.run(i).value() != i + 1;
    });
  for (auto& c : callers) c.join();
  for (int i = 0; i < 60; ++i) wrong += handles[static_cast<std::size_t>(i)].get().value() != i + 1;
  check(wrong == 0, "a wrong answer");
  check(meter.most <= limit, std::to_string(meter.most) + " calls at once");
}
void serial_is_one_at_a_time(const Setting& setting) { at_most(setting, {.serial = true}, 1); }
void a_limit_is_kept(const Setting& setting) { at_most(setting, {.limit = 2}, 2); }

void requests_are_served_in_order(const Setting& setting) {
  Line line;
  auto engine = setting.start(from_int([&](Stream<int> s) { return s.then("line", line.stage()); }), {.ageing = 1h});
  OpensLine opens{line};
  auto first = engine.submit(0);
  check(eventually([&] { return line.holds(); }), "not started");
  std::vector<Handle<int>> handles;
  const auto waits = [&](int x, const Request& r) {
    handles.push_back(engine.submit(x, r));
    check(eventually([&] { return engine.figures().waiting == handles.size(); }), "it does not wait");
  };
  waits(1, {});
  waits(2, {});
  waits(3, {.within = 20s});
  waits(4, {.within = 10s});
  waits(5, {.priority = 1});
  waits(6, {.within = 19s, .priority = 1});
  waits(7, {.priority = -1});
  handles[1].cancel();
  check(handles[1].ready(), "not cancelled at once");
  check(engine.figures().waiting == 6, "a cancelled request stayed in the queue");
  line.open();
  for (std::size_t i = 0; i < handles.size(); ++i) expect(handles[i].get(), i == 1 ? Code::cancelled : Code::none);
  expect(first.get(), Code::none);
  line.expect_order({6, 5, 4, 3, 1, 7});
}

void waiting_holds_no_thread(const Setting& setting) {
  Line line;
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return choose(
        "c", s, [](const int& x) { return x > 100; }, line.stage(), same);
  }));
  OpensLine opens{line};
  auto first = engine.submit(0);
  check(eventually([&] { return line.holds(); }), "not started");
  std::vector<Handle<int>> waiting;
  for (int i = 1; i < 9; ++i) waiting.push_back(engine.submit(i));
  check(eventually([&] { return engine.figures().waiting == 8; }), "they do not wait, or hold every thread");
  expect(engine.submit(101).get(), Code::none);
  expect(engine.submit(5, {.within = 2ms}).get(), Code::deadline_missed);
  check(line.holds() && !first.ready(), "the others waited for the serial stage");
  line.open();
  for (auto& w : waiting) expect(w.get(), Code::none);
}

void an_asynchronous_serial_stage_keeps_its_turn(const Setting& setting) {
  Meter meter;
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto call = [&](const int& x, Completion<int> done) {
      meter.enter();
      if (x % 2) {  // it returns first
        elsewhere().post([&meter, x, done = std::make_shared<Completion<int>>(std::move(done))] {
          meter.leave();
          done->complete(x);
        });
      } else {  // it completes first
        done.complete(x);
        std::this_thread::sleep_for(50us);
        meter.leave();
      }
    };
    return s.then("a", stage(call, {.serial = true}));
  }));
  std::vector<Handle<int>> handles;
  for (int i = 0; i < 40; ++i) handles.push_back(engine.submit(i));
  for (int i = 0; i < 10; ++i) check(engine.run(i).value() == i, "a wrong answer");
  for (auto& h : handles) expect(h.get(), Code::none);
  check(meter.most == 1, "it was called again before it had completed");
}

// A call that throws while its Completion is out has failed, and keeps its turn all the same.
void a_failed_call_keeps_its_turn(const Setting& setting) {
  std::mutex mutex;
  std::vector<Completion<int>> out;
  std::atomic<int> calls{0};
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto call = [&](const int& x, Completion<int> done) {
      ++calls;
      if (x) return void(done.complete(x));
      const std::lock_guard lock(mutex);
      out.push_back(std::move(done));
      throw std::runtime_error("bang");
    };
    return s.then("a", stage(call, {.serial = true}));
  }));
  auto failed = engine.submit(0);
  check(eventually([&] { return failed.ready(); }), "a call that threw waits for its Completion");
  auto next = engine.submit(1);
  check(eventually([&] { return engine.figures().waiting == 1; }), "the turn was given on");
  const bool kept = calls == 1 && !next.ready();
  {
    const std::lock_guard lock(mutex);
    check(!out.front().complete(5), "a value was taken from a call that had failed");
    out.clear();
  }
  expect(next.get(), "1");
  expect(failed.get(), "stage_failed at a: bang");
  check(kept, "the stage was called again before its Completion was used");
}

void asking_itself_is_an_error(const Setting& setting) {
  std::optional<Engine<int, int>> engine;
  engine.emplace(setting.start(from_int([&](Stream<int> s) {
    return s.then(
        "a", stage([&](int x) -> Result<int> { return x ? Result<int>(engine->run(x - 1)) : 0; }, {.serial = true}));
  })));
  expect(engine->run(0), Code::none);
  expect(engine->submit(1).get(), Code::unsupported);
  expect(engine->run(0), Code::none);
}

// ---- state

struct Sum {
  int total = 0;
  static inline std::atomic<int> alive{0};
  Sum() { ++alive; }
  ~Sum() { --alive; }
};
int add(Sum& sum, const int& x) { return sum.total += x; }

void a_state_per_replica(const Setting& setting) {
  {
    auto engine = setting.start(from_int([&](Stream<int> s) { return s.then("sum", stateful<Sum>(add)); }));
    std::vector<Handle<int>> handles;
    for (int i = 0; i < 50; ++i) handles.push_back(engine.submit(1));
    int most = 0;
    for (auto& h : handles) most = std::max(most, h.get().value());
    check(most == 50, "the sum is " + std::to_string(most));
    check(Sum::alive == 1, "not one state");
  }
  check(Sum::alive == 0, "a state was left");
}

// One serial stage that stands in two arms is called in both at once.
void a_queue_in_every_place(const Setting& setting) {
  const bool together = (setting.on_the_clock || setting.virtual_time) && setting.max_losers > 0;
  if (!together) return;  // arms run one after another
  std::mutex mutex;
  std::vector<Completion<int>> out;
  const auto keep = [&](const int&, Completion<int> done) {
    const std::lock_guard lock(mutex);
    out.push_back(std::move(done));
  };
  const auto calls = [&] {
    const std::lock_guard lock(mutex);
    return out.size();
  };
  const auto arm = flow<int>("arm", [&](Stream<int> s) { return s.then("one", stage(keep, {.serial = true})); });
  auto engine = setting.start(from_int([&](Stream<int> s) { return race("r", s, arm, arm); }));
  auto h = engine.submit(4);
  const bool both = eventually([&] { return calls() == 2; });
  for (auto& done : std::exchange(out, {})) done.complete(5);
  check(both, "two places share a turn");
  check(h.get().value() == 5, "not answered");
}

// Two replicas: two calls at once, each with a state of its own, and no third one.
void every_replica_has_a_state(const Setting& setting) {
  if (setting.threads < 2 || setting.virtual_time) return;  // somebody must be inside while another one comes
  Gate gate;
  {
    std::atomic<const Sum*> inside[2] = {};
    std::atomic<int> calls{0};
    auto engine = setting.start(from_int([&](Stream<int> s) {
      const auto hold = [&](Sum& sum, const int& x) {
        const int call = calls++;
        if (call < 2) inside[call] = &sum, gate.pass();
        return sum.total += x;
      };
      return s.then("sum", stateful<Sum>(hold, {.replicas = 2}));
    }));
    Opens opens{gate};
    std::vector<Handle<int>> handles;
    for (int i = 0; i < 3; ++i) handles.push_back(engine.submit(1));
    check(eventually([&] { return gate.arrived() == 2 && (setting.threads < 3 || engine.figures().waiting == 1); }),
          "not two calls at once");
    check(inside[0] != inside[1] && Sum::alive == 2 && calls == 2, "two replicas share a state");
    gate.open();
    int sum = 0;
    for (auto& h : handles) sum += h.get().value();
    check(sum == 4, "not one call with one state and two with the other");
    check(Sum::alive == 2, "more states than replicas");
  }
  check(Sum::alive == 0, "a state was left");
}

void a_state_per_stream(const Setting& setting) {
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto count = [&](std::vector<int>& seen, const int& x) {
      seen.push_back(x);
      return seen;
    };
    return s.then("seen", stateful<std::vector<int>>(count, {.per_stream = true}));
  }));
  std::vector<Handle<std::vector<int>>> handles;
  for (int i = 0; i < 20; ++i)
    for (std::uint64_t stream = 1; stream < 4; ++stream) handles.push_back(engine.submit(i, {.stream = stream}));
  std::size_t longest = 0;
  for (auto& h : handles) longest = std::max(longest, h.get().value().size());
  check(longest == 20, "a stream saw " + std::to_string(longest) + " of its requests");
  check(engine.run(7, {.stream = 9}).value() == std::vector<int>{7}, "a new stream saw another's requests");
}

void streams_used_longest_ago_make_room(const Setting& setting) {
  {
    auto engine = setting.start(from_int(
        [&](Stream<int> s) { return s.then("sum", stateful<Sum>(add, {.per_stream = true, .max_streams = 2})); }));
    check(engine.run(1, {.stream = 1}).value() == 1 && engine.run(1, {.stream = 2}).value() == 1, "a new state");
    check(engine.run(1, {.stream = 1}).value() == 2, "a state was lost");
    check(engine.run(1, {.stream = 3}).value() == 1, "not a new state");
    check(engine.run(1, {.stream = 1}).value() == 3, "the state used last was given up");
    check(engine.run(1, {.stream = 2}).value() == 1, "a state was kept too long");
    check(Sum::alive == 2, "too many states");
  }
  check(Sum::alive == 0, "a state was left");
}

void all_streams_in_use(const Setting& setting) {
  if (setting.threads < 2) return;
  Gate gate;
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto hold = [&](int& n, const int& x) { return (x ? void() : gate.pass()), ++n; };
    return s.then("n", stateful<int>(hold, {.per_stream = true, .max_streams = 1}));
  }));
  Opens opens{gate};
  auto h = engine.submit(0, {.stream = 1});
  check(eventually([&] { return gate.arrived() == 1; }), "not started");
  expect(engine.submit(1, {.stream = 2}).get(), Code::overloaded);
  gate.open();
  expect(h.get(), Code::none);
  check(eventually([&] { return engine.submit(1, {.stream = 2}).get().has_value(); }), "no room was made");
}

void making_a_state_may_fail(const Setting& setting) {
  std::atomic<int> tries{0};
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto make = [&] {
      if (tries++ == 0) throw std::runtime_error("no state today");
      return 40;
    };
    return s.then("n", stateful(make, [](int& n, const int& x) { return n += x; }));
  }));
  check(show(engine.run(1)) == "stage_failed at n: no state today", "the failure was not told");
  check(engine.run(1).value() == 41 && engine.run(1).value() == 42, "not made again");
}

void engines_share_a_runtime(const Setting& setting) {
  const auto f = from_int([](Stream<int> s) { return s.then("sum", stateful<Sum>(add)); });
  const Runtime runtime;
  auto one = setting.start(f, {.runtime = runtime});
  {
    auto two = setting.start(f, {.runtime = runtime});
    check(one.run(1).value() == 1 && two.run(1).value() == 2 && one.run(1).value() == 3, "not one state");
  }
  check(one.run(1).value() == 4, "the state went with the other engine");
  check(setting.start(f).run(1).value() == 1, "an engine of its own shares a state");
}

}  // namespace

void add_station_cases(std::vector<Case>& t) {
  const auto narrow = [](auto f) { return stage(f, {.serial = true}); };
  t.push_back(flow_case("serial stages among others", {"serial-one"}, from_int([=](Stream<int> s) {
                          const auto a = s.then("a", narrow(spell)).then("n", narrow(length)).then("b", plus_one);
                          return cascade("k", a, exit_if(narrow(twice), never_so), exit_if(narrow(bang), always),
                                         narrow(plus_one));
                        }),
                        {{1, {"43 rung 2"}}}));
  t.push_back(flow_case("serial elements and arms", {"serial-one"}, from_int([=](Stream<int> s) {
                          const auto one = flow<int>("one", [=](Stream<int> x) {
                            return race("r", x, narrow(twice), narrow(bang)).then("z", narrow(plus_one));
                          });
                          return each("e", s.then("v", count_up), one);
                        }),
                        {{3, {"[1 3 5]"}}}));
  t.push_back(script_case("a queue in every place", {"station-place"}, a_queue_in_every_place));
  t.push_back(script_case("a failed call keeps its turn", {"station-fails"}, a_failed_call_keeps_its_turn));
  t.push_back(flow_case("a stage that fails in its turn", {"serial-one"},
                        from_int([=](Stream<int> s) { return s.then("a", narrow(bang)).then("b", same); }),
                        {{1, {"stage_failed at a: bang"}}}));
  t.push_back(flow_case("a stateful stage", {"stateful-replica"}, from_int([](Stream<int> s) {
                          return s.then(
                              "a", stateful([] { return 5; }, [](const int& five, const int& x) { return five + x; }));
                        }),
                        {{1, {"6"}}}));
  t.push_back(script_case("serial is one at a time", {"serial-one"}, serial_is_one_at_a_time));
  t.push_back(script_case("a limit is kept", {"serial-limit"}, a_limit_is_kept));
  t.push_back(script_case("requests are served in order", {"serial-order", "station-order", "station-leave"},
                          requests_are_served_in_order));
  t.push_back(script_case("waiting holds no thread", {"station-no-thread"}, waiting_holds_no_thread));
  t.push_back(script_case("an asynchronous serial stage keeps its turn", {"station-async"},
                          an_asynchronous_serial_stage_keeps_its_turn));
  t.push_back(script_case("a stage that asks for itself", {"station-itself"}, asking_itself_is_an_error));
  t.push_back(script_case("a state per replica", {"stateful-replica", "stateful-gone"}, a_state_per_replica));
  t.push_back(script_case("every replica has a state", {"stateful-replica"}, every_replica_has_a_state));
  t.push_back(script_case("a state per stream", {"stateful-stream"}, a_state_per_stream));
  t.push_back(script_case("streams make room", {"stateful-room"}, streams_used_longest_ago_make_room));
  t.push_back(script_case("all streams in use", {"stateful-full"}, all_streams_in_use));
  t.push_back(script_case("making a state may fail", {"stateful-throws"}, making_a_state_may_fail));
  t.push_back(script_case("engines share a runtime", {"station-shared"}, engines_share_a_runtime));
}

}  // namespace tailrace::test
