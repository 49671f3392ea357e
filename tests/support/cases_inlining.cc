#include "support/expect.h"
#include "support/steps.h"
#include "support/through_executor.h"

// Whose thread runs a block of a request that `run` must answer at its deadline.
namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

using Here = Engine<int, bool>;

// A flow of one stage that says whether it ran on the thread that made the flow, and calls `body` first.
template <class Body>
Flow<int, bool> where(Body body, StageOptions options = {}) {
  const auto caller = std::this_thread::get_id();
  return from_int([&](Stream<int> s) {
    return s.then("where", stage([=](int x) { return body(x), std::this_thread::get_id() == caller; }, options));
  });
}
Flow<int, bool> where(StageOptions options = {}) {
  return where([](int) {}, options);
}

bool runs_here(Here& engine, const Request& request, int in = 0) { return engine.run(in, request).value(); }

// Asks until the stage is known, and the caller's thread runs it. On a busy machine a deadline may pass meanwhile.
void teach(Here& engine, const Request& request) {
  check(eventually([&] { return engine.run(0, request).value_or(false); }), "a known stage was handed over");
}

void unknown_blocks_go_to_workers(const Setting& setting) {
  auto engine = setting.start(where());
  for (int i = 0; i < 30; ++i) check(runs_here(engine, {}), "run did not use its caller's thread");
  for (int i = 0; i < 8; ++i) check(!runs_here(engine, {.within = 1h}), "an unknown stage was run here");
  teach(engine, {.within = 1h});
  for (int i = 0; i < 30; ++i) check(runs_here(engine, {.within = 1h}), "a known stage was handed over");
}

// Requests of other threads teach, too.
void workers_teach(const Setting& setting) {
  auto engine = setting.start(where());
  for (int i = 0; i < 8; ++i) check(!engine.submit(i, {.within = 1h}).get().value(), "submit ran a stage here");
  teach(engine, {.within = 1h});
}

// An engine of one stage, which says whether it ran here and takes as long as it is told to: what it was given in
// microseconds, on a clock that nothing else moves.
struct Timed {
  std::shared_ptr<HandClock> clock;
  Here engine;

  explicit Timed(Setting setting, const EngineOptions& options = {}, Gate* gate = nullptr)
      : clock(std::make_shared<HandClock>(setting)), engine(start(setting, options, gate)) {}
  Here start(Setting setting, const EngineOptions& options, Gate* gate) const {
    setting.executor = clock;
    return setting.start(where([clock = clock.get(), gate](int x) {
                           clock->go_on(x * 1us);
                           if (gate && x > 50000) gate->pass();
                         }),
                         options);
  }
};

// A stage that takes long is handed over however often it was seen, and its caller answered in time.
void slow_blocks_go_to_workers(const Setting& setting) {
  Gate gate;
  Timed timed(setting, {}, &gate);
  Opens opens{gate};
  for (int i = 0; i < 20; ++i) runs_here(timed.engine, {.within = 1h});
  teach(timed.engine, {.within = 1h});
  check(runs_here(timed.engine, {.within = 1h}, 50000), "a known stage was handed over");
  check(runs_here(timed.engine, {.within = 100ms}), "there was time enough");
  expect(timed.engine.run(100000, {.within = 99ms}), Code::deadline_missed);  // less than twice as much
  check(gate.closed(), "an answer waited for a stage");
  gate.open();
  check(runs_here(timed.engine, {.within = 1h}), "there was time enough");
}

struct Late final : Observer {
  std::atomic<int> late{0};
  void on_event(const Event& e) noexcept override { late += e.kind == Event::Kind::late; }
};

void outrunning_is_learned(const Setting& setting) {
  const auto seen = std::make_shared<Late>();
  Timed timed(setting, {.observer = seen});
  teach(timed.engine, {.within = 100ms});
  const auto o = timed.engine.run(100001, {.within = 100ms});
  check(o && *o && o.late, "an answer past its deadline was not marked late");
  check(seen->late == 1 && timed.engine.figures().late == 1, "a late answer was not counted");
  int runs = 0;
  while (!runs_here(timed.engine, {.within = 100ms}) && runs < 200) ++runs;
  check(runs >= 88 && runs < 100, "after " + std::to_string(runs) + " runs a stage that took too long ran here again");
  check(seen->late == 1 && timed.engine.figures().late == 1, "an answer in time was counted as late");
}

// What a profile or the user says counts from the start.
void declared_blocks_need_no_learning(const Setting& setting) {
  auto quick = setting.start(where({.quick = true}));
  check(runs_here(quick, {.within = 1h}), "a quick stage was handed over");
  const auto measured = [&](double seconds) {
    PlanData plan = optimise(where()).value().data();
    plan.choices.root.seconds = {0, seconds};
    return tailrace::start(Plan<int, bool>(std::move(plan)), {.threads = setting.threads, .executor = setting.executor})
        .value();
  };
  auto short_one = measured(1e-6), long_one = measured(1000), unknown = measured(-1);
  check(runs_here(short_one, {.within = 1h}), "a measured stage was handed over");
  check(!runs_here(long_one, {.within = 1000s}), "a stage that was measured to take long was run here");
  check(!runs_here(unknown, {.within = 1h}), "an unknown stage was run here");
}

// Stages of one block are known together or not at all.
void one_unknown_stage_hands_over_all(const Setting& setting) {
  const auto caller = std::this_thread::get_id();
  const auto here = [=](int) { return std::this_thread::get_id() == caller; };
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return s.then("a", stage(here, {.quick = true})).then("b", [=](bool a) { return 2 * a + here(0); });
  }));
  const int both = engine.run(0, {.within = 1h}).value();
  check(both == (setting.rewrites ? 0 : 2), "stages ran in other places than their blocks");
}

void tokens_want_short_blocks(const Setting& setting) {
  std::stop_source source;
  const Request stoppable{.stop = source.get_token()};
  auto quick = setting.start(where({.quick = true}));
  check(runs_here(quick, stoppable), "a quick stage was handed over because of a token");
  Timed timed(setting);
  for (int i = 0; i < 8; ++i) check(!runs_here(timed.engine, stoppable), "an unknown stage was run here");
  teach(timed.engine, {.within = 1h});
  for (int i = 0; i < 2; ++i)  // the second time it is known to take so long
    check(runs_here(timed.engine, stoppable, 50), "a short stage was handed over because of a token");
  check(runs_here(timed.engine, {.within = 1h}, 52), "a known stage was handed over");
  check(!runs_here(timed.engine, stoppable), "run lent its thread although a token may cancel it");
  check(runs_here(timed.engine, {.within = 1h}), "a known stage was handed over");
}

void arms_run_elsewhere(const Setting& setting) {
  if (setting.max_losers == 0) return;  // then they run in order, by whoever has the request
  const auto caller = std::this_thread::get_id();
  const auto arm = stage([=](int) { return std::this_thread::get_id() == caller; }, {.quick = true});
  auto engine = setting.start(from_int([&](Stream<int> s) { return race("r", s, arm, arm); }));
  for (int i = 0; i < 30; ++i) check(!runs_here(engine, {.within = 1h}), "an arm was run here");
}

// ---- max_running

void callers_are_bounded(const Setting& setting) {
  Gate gate;
  std::atomic<int> here{0};
  auto engine = setting.start(from_int([&](Stream<int> s) {
                                return s.then("where", [&](int x) {
                                  if (x) gate.pass();
                                  return std::this_thread::get_id();
                                });
                              }),
                              {.max_running = 1});
  const auto ask = [&](int x) { here += engine.run(x).value() == std::this_thread::get_id(); };
  ask(0);
  check(here == 1, "a caller's thread was not used");
  {
    std::thread first(ask, 1);
    const bool running = eventually([&] { return gate.arrived() == 1; });
    ask(0);
    const int others = here;
    gate.open();
    first.join();
    check(running && others == 1, "more callers' threads ran than may");
  }
  ask(0);
  check(here == 3, "a place was not given back");
}

void callers_may_only_wait(const Setting& setting) {
  const auto caller = std::this_thread::get_id();
  auto engine = setting.start(
      from_int([&](Stream<int> s) {
        return s.then("where", stage([=](int) { return std::this_thread::get_id() == caller; }, {.quick = true}));
      }),
      {.max_running = 0});
  for (int i = 0; i < 30; ++i) {
    check(!*engine.run(i), "a caller's thread was used");
    check(!*engine.run(i, {.within = 1h}), "a caller's thread was used");
  }
  engine.stop();
  expect(engine.run(1), Code::shutting_down);
}

// Who is inside a stage runs what it asks for, whatever the bound: it has a thread already.
void nested_runs_are_not_bounded(const Setting& setting) {
  auto inner = setting.start(from_int([&](Stream<int> s) { return s.then("a", plus_one); }), {.max_running = 0});
  auto outer =
      setting.start(from_int([&](Stream<int> s) { return s.then("ask", [&](int x) { return inner.run(x).value(); }); }),
                    {.max_running = 0});
  expect(outer.run(1), "2");
  expect(outer.submit(1).get(), "2");
}

}  // namespace

void add_inlining_cases(std::vector<Case>& t) {
  t.push_back(script_case("unknown blocks go to workers", {"run-caller", "run-deadline", "run-known"},
                          unknown_blocks_go_to_workers));
  t.push_back(script_case("workers teach", {"run-known"}, workers_teach));
  t.push_back(script_case("slow blocks go to workers", {"run-deadline", "run-longest", "deadline-answered"},
                          slow_blocks_go_to_workers));
  t.push_back(script_case("outrunning is learned", {"deadline-late", "deadline-late-counted", "deadline-late-learned"},
                          outrunning_is_learned));
  t.push_back(script_case("declared blocks need no learning", {"run-declared"}, declared_blocks_need_no_learning));
  t.push_back(script_case("one unknown stage hands over all", {"run-block"}, one_unknown_stage_hands_over_all));
  t.push_back(script_case("tokens want short blocks", {"run-token"}, tokens_want_short_blocks));
  t.push_back(script_case("arms run elsewhere", {"run-arms"}, arms_run_elsewhere));
  t.push_back(script_case("callers are bounded", {"run-bounded"}, callers_are_bounded));
  t.push_back(script_case("callers may only wait", {"run-bounded"}, callers_may_only_wait));
  t.push_back(script_case("nested runs are not bounded", {"run-bounded-not"}, nested_runs_are_not_bounded));
}

}  // namespace tailrace::test
