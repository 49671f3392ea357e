#include <optional>

#include "support/expect.h"
#include "support/steps.h"
#include "tailrace/exec/pool.h"
#include "tailrace/plan/verify.h"

namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

auto waiting_flow(Gate& gate) {
  return from_int(
      [&gate](Stream<int> s) { return s.then("wait", [&gate](int x) { return gate.pass(), x; }).then("t", plus_one); });
}

void stop_answers_everything(const Setting& setting) {
  Gate gate;
  std::atomic<int> called{0};
  auto engine = setting.start(waiting_flow(gate));
  Opens opens{gate};
  std::vector<Handle<int>> handles;
  for (int i = 0; i < 10; ++i) handles.push_back(engine.submit(i, {.within = i % 2 ? 1h : 0h}));
  engine.submit(1, {}, [&](Outcome<int> o) { called += show(o) == "shutting_down" ? 1 : 100; }).value();
  std::thread caller([&] { called += show(engine.run(1, {.within = 1h})) == "shutting_down" ? 1 : 100; });
  check(eventually([&] { return gate.arrived() >= 1; }), "not started");
  std::this_thread::sleep_for(2ms);
  engine.stop();
  for (auto& h : handles) check(h.ready(), "not answered at once");
  for (auto& h : handles) expect(h.get(), "shutting_down");
  caller.join();
  check(gate.closed(), "an answer waited for a stage");
  expect(engine.run(1), "shutting_down");
  expect(engine.submit(1).get(), "shutting_down");
  gate.open();
  check(eventually([&] { return called == 2; }), "a callback or a caller got another outcome");
}

// A caller whose own thread is running stages is told, and answered when the running one returns.
void stop_reaches_callers(const Setting& setting) {
  Gate gate;
  std::atomic<int> later{0};
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto patient = [&](int x, const Context& c) {
      return gate.pass(), eventually([&] { return c.stop_requested(); }) ? x : -1;
    };
    return choose(
        "c", s.then("patient", patient), [](int x) { return x < 0 ? 0 : 1; }, same, [&](int x) { return ++later, x; });
  }));
  std::thread caller([&] { expect(engine.run(1), "shutting_down"); });
  gate.open();
  check(eventually([&] { return gate.passed() == 1; }), "not started");
  engine.stop();
  caller.join();
  check(later == 0, "a block started in a stopped engine");
}

void destruction_answers_and_waits(const Setting& setting) {
  Gate gate;
  std::atomic<bool> gone{false};
  std::optional<Engine<int, int>> engine(setting.start(waiting_flow(gate)));
  Opens opens{gate};
  auto h = engine->submit(1);
  check(eventually([&] { return gate.arrived() == 1; }), "not started");
  std::thread destroyer([&] {
    engine.reset();
    check(gate.passed() == 1, "the engine was gone before its stage had returned");
    gone = true;
  });
  expect(h.get(), "shutting_down");
  check(!gone && gate.closed(), "the answer waited for the stage, or destruction did not");
  gate.open();
  destroyer.join();
}

void handles_outlive_their_engine(const Setting& setting) {
  std::vector<Handle<std::string>> handles;
  {
    auto engine = setting.start(from_int([](Stream<int> s) { return s.then("a", spell); }));
    for (int i = 0; i < 5; ++i) handles.push_back(engine.submit(i));
    check(eventually([&] { return handles[0].ready(); }), "not answered");
  }
  for (auto& h : handles) check(h.ready(), "not answered by an engine that is gone");
  expect(handles[0].get(), spell(0));
  handles[1].cancel();
  (void)handles[1].get();
}

// Whatever user code is: after destruction nothing of it is run, kept or destroyed any more.
void nothing_of_the_users_is_left(const Setting& setting) {
  const auto mine = std::make_shared<int>(1);
  {
    auto f = flow<int>("f", [&](Stream<int> s) {
      return race(
          "r", s.then("a", [mine](int x) { return x + *mine; }), [mine](int x) { return x + *mine; }, twice);
    });
    auto engine = setting.start(f);
    for (int i = 0; i < 20; ++i) {
      (void)engine.run(i);
      engine.submit(i, {}, [mine](Outcome<int>) {}).value();
    }
  }
  check(mine.use_count() == 1, "something of the user's was left behind");
}

// ---- run inside a stage

void run_in_a_stage_waits_for_nobody(const Setting& setting) {
  std::optional<Engine<int, int>> self;
  const auto inner = [&](int x) {
    const auto here = std::this_thread::get_id();
    const auto o = self->run(x - 1);
    return o && std::this_thread::get_id() == here ? *o + 1 : -1000;
  };
  self.emplace(setting.start(from_int([&](Stream<int> s) {
    const auto down = flow<int>("down", [&](Stream<int> x) { return race("r", x, inner, inner, inner); });
    const auto wide = flow<int>("wide", [&](Stream<int> x) {
      return each("e", x.then("v", [](int n) { return std::vector<int>(3, n); }), inner)
          .then("first", [](const std::vector<int>& v) { return v[0]; });
    });
    return choose(
        "c", s, [](int x) { return x > 3   ? 0
                                   : x > 2 ? 1
                                           : 2; }, down, wide, same);
  })));
  std::vector<Handle<int>> handles;
  for (int i = 0; i < 8; ++i) handles.push_back(self->submit(5));
  for (auto& h : handles) check(h.get().value_or(-1) == 5, "wrong answer");
  self.reset();
}

// Two engines on executors of one thread each, whose stages ask each other.
void engines_may_ask_each_other(const Setting&) {
  std::optional<Engine<int, int>> a, b;
  const auto ask = [](std::optional<Engine<int, int>>& other) {
    return [&other](int x) { return x > 0 ? other->run(x - 1).value_or(-1000) + 1 : 0; };
  };
  a.emplace(start(from_int([&](Stream<int> s) { return race("r", s, ask(b), ask(b)); }),
                  {.executor = pool_executor(1).value()})
                .value());
  b.emplace(start(from_int([&](Stream<int> s) { return race("r", s, ask(a), ask(a)); }),
                  {.executor = pool_executor(1).value()})
                .value());
  auto x = a->submit(5), y = b->submit(5);
  check(x.get().value_or(-1) == 5 && y.get().value_or(-1) == 5, "wrong answer");
}

}  // namespace

void add_lifetime_cases(std::vector<Case>& t) {
  t.push_back(script_case("stop answers everything", {"stop-answers", "stop-refuses"}, stop_answers_everything));
  t.push_back(script_case("stop reaches callers", {"stop-callers"}, stop_reaches_callers));
  t.push_back(script_case("destruction answers and waits", {"destroy-answers", "destroy-waits"},
                          destruction_answers_and_waits));
  t.push_back(script_case("handles outlive their engine", {"handle-outlives"}, handles_outlive_their_engine));
  t.push_back(script_case("nothing of the user's is left", {"destroy-nothing"}, nothing_of_the_users_is_left));
  t.push_back(script_case("run in a stage waits for nobody", {"nested-run"}, run_in_a_stage_waits_for_nobody));
  t.push_back(script_case("engines ask each other", {"nested-run"}, engines_may_ask_each_other));
}

// ---- mistakes while building

namespace {

void mistakes_come_all_at_once(const Setting&) {
  const auto f = from_int([](Stream<int> s) {
    (void)s.then("unused", twice);
    return join("j", s.then("a", plus_one), s.then("a", twice));
  });
  const auto built = optimise(f);
  check(!built, "a wrong flow was accepted");
  const std::string what = built.error().what();
  check(built.error().size() >= 2, "not all mistakes were reported: " + what);
  check(what.find("unused") != what.npos && what.find("'a'") != what.npos, "a stage is not named: " + what);
  check(!start(f) && !verify(f.graph()).empty(), "a wrong flow was started");
}

void types_are_checked_edge_by_edge(const Setting&) {
  Graph g = from_int([](Stream<int> s) { return s.then("a", plus_one).then("b", twice); }).graph();
  g.nodes[1].type = &type_of<std::string>;
  const std::string what = verify(g).what();
  check(what.find("int") != what.npos && what.find("string") != what.npos && what.find("b") != what.npos,
        "types that do not meet were accepted: " + what);
  const Type elsewhere = type_of<int>;  // as another shared library would have it
  check(equal(elsewhere, type_of<int>) && !equal(type_of<int>, type_of<float>), "types are told apart by address");
}

void limits_are_checked(const Setting& setting) {
  const auto f = from_int([](Stream<int> s) { return s.then("a", twice); });
  check(!start(f, {.max_in_flight = 0, .executor = setting.executor}), "an engine without room was started");
  check(!start(f, {.max_in_flight = 4000000000u, .executor = setting.executor}),
        "an engine larger than the bounds was started");
  check(!start(f, {.ageing = -1ns, .executor = setting.executor}) &&
            !start(f, {.ageing = 2h, .executor = setting.executor}),
        "an engine with an ageing out of bounds was started");
  check(!pool_executor(0) && !pool_executor(100000), "a pool of no or too many threads was started");
}

}  // namespace

// What types cannot show where the graph is not written by templates: a reserve that no answer can make use of.
void a_reserve_without_answers(const Setting& setting) {
  (void)setting;
  using Step = Exit<int, int>;
  Graph graph = from_int([](Stream<int> s) {
                  return staged(
                      "n", s, [](int x) { return Step::go_on(x); }, twice);
                }).graph();
  check(verify(graph).empty(), "without a reserve it is sound");
  graph.nodes.back().reserve = Duration(1);
  check(verify(graph).what().find("none of its stages gives an AnytimeExit") != std::string::npos,
        "a reserve without answers was accepted: " + verify(graph).what());
}

void add_building_cases(std::vector<Case>& t) {
  t.push_back(script_case("mistakes come all at once", {"build-all", "build-unused"}, mistakes_come_all_at_once));
  t.push_back(
      script_case("types are checked edge by edge", {"value-types", "value-identity"}, types_are_checked_edge_by_edge));
  t.push_back(script_case("a reserve that nothing can use", {"cut-off-staged-none"}, a_reserve_without_answers));
  t.push_back(script_case("limits are checked", {"build-limits"}, limits_are_checked));
}

}  // namespace tailrace::test
