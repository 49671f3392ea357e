#include "support/expect.h"
#include "support/steps.h"
#include "tailrace/policy/catalog.h"

namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

auto again(auto f) { return stage(f, {.replicable = true}); }

// A stage of which the first call stays out until it is let go of, and every further one answers at once.
class FirstStaysOut {
 public:
  ~FirstStaysOut() { let_go(); }
  auto stage() {
    return again([this](const int& in, Completion<int> done) {
      if (calls_++ > 0) return void(done.complete(in + 1));
      const std::lock_guard lock(mutex_);
      first_.push_back(std::move(done));
    });
  }
  int calls() const { return calls_; }
  bool told_to_stop() {
    const std::lock_guard lock(mutex_);
    return !first_.empty() && first_.front().stop_requested();
  }
  // Whether somebody still wanted the answer.
  bool answer(int with) {
    const std::lock_guard lock(mutex_);
    return !first_.empty() && first_.front().complete(with);
  }
  void fail() {
    const std::lock_guard lock(mutex_);
    if (!first_.empty()) first_.front().fail({Code::bad_value, "the first"});
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    first_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<Completion<int>> first_;
  std::atomic<int> calls_{0};
};

const PolicyUse after_a_moment{"fixed", {{"delay_ms", 1}}};
const PolicyUse after_a_day{"fixed", {{"delay_ms", 3.6e6}}};

void add_outcomes(std::vector<Case>& t) {
  const PolicyUse at_once{"race_all"};
  t.push_back(flow_case("either call of a hedge may answer first", {"hedge-second", "hedge-first", "hedge-winner"},
                        from_int([=](Stream<int> s) { return hedge("h", s, at_once, again(plus_one)); }),
                        {{5, {"6 winner 0", "6 winner 1"}}}));
  t.push_back(flow_case("never is never", {"hedge-never"}, from_int([](Stream<int> s) {
                          return hedge("h", s, {"never"}, again(fail_if(1))).then("t", twice);
                        }),
                        {{5, {"10 winner 0"}}, {1, {"bad_value at h[0]: not 1"}}}));
  t.push_back(flow_case("the second call may ask another stage", {"hedge-other"},
                        from_int([=](Stream<int> s) { return hedge("h", s, at_once, plus_one, twice); }),
                        {{5, {"6 winner 0", "10 winner 1"}}}));
  t.push_back(flow_case("a second call that fails decides nothing", {"hedge-second-fails"},
                        from_int([=](Stream<int> s) { return hedge("h", s, at_once, twice, bang); }),
                        {{5, {"10 winner 0"}}}));
  t.push_back(flow_case("a second call may answer for one that fails", {"hedge-first-fails"},
                        from_int([=](Stream<int> s) { return hedge("h", s, at_once, bang, twice).then("t", same); }),
                        {{5, {"stage_failed at h[0]: bang", "10 winner 1"}}}));
  t.push_back(flow_case("the error of the first call", {"hedge-both-fail"},
                        from_int([=](Stream<int> s) { return hedge("h", s, at_once, fail_if(5), bang); }),
                        {{5, {"bad_value at h[0]: not 5"}}, {6, {"6 winner 0"}}}));
  t.push_back(flow_case("hedges anywhere", {"hedge-second", "nesting"}, from_int([=](Stream<int> s) {
                          const auto inner = flow<int>(
                              "inner", [=](Stream<int> x) { return hedge("in", x, at_once, again(plus_one)); });
                          const auto raced = race("r", s, inner, bang);
                          return cascade("k", hedge("out", raced, at_once, inner), exit_if(inner, never_so), inner);
                        }),
                        {{1, {"4 rung 1 winner 0", "4 rung 1 winner 1"}}}));
  t.push_back(flow_case("hedges in elements", {"hedge-second"}, from_int([=](Stream<int> s) {
                          const auto inner = flow<int>(
                              "inner", [=](Stream<int> x) { return hedge("in", x, at_once, again(fail_if(3))); });
                          return each("e", s.then("up", count_up), inner);
                        }),
                        {{3, {"[0 1 2]"}}, {4, {"bad_value at e[3].in[0]: not 3"}}}));
}

void the_second_answers(const Setting& setting) {
  if (setting.max_losers == 0) return;
  FirstStaysOut slow;
  auto engine = setting.start(from_int([&](Stream<int> s) { return hedge("h", s, after_a_moment, slow.stage()); }));
  expect(engine.submit(4).get(), "5 winner 1");
  check(slow.calls() == 2, "not two calls");
  check(slow.told_to_stop(), "the call that was overtaken was not told to stop");
  check(!slow.answer(9), "somebody waited for the call that was overtaken");
  const auto figures = engine.figures();
  check(figures.copies == 1 && figures.copies_won == 1 && figures.copies_refused == 0, "copies are counted wrongly");
  slow.let_go();
  check(*engine.run(5) == 6, "not the answer of a call that is in time");
}

void quick_calls_have_no_copy(const Setting& setting) {
  std::atomic<int> calls{0};
  const auto quick = again([&](int x) { return ++calls, x; });
  auto engine = setting.start(from_int([&](Stream<int> s) { return hedge("h", s, after_a_day, quick); }));
  for (int i = 0; i < 50; ++i) expect(i % 2 ? engine.run(7) : engine.submit(7).get(), "7 winner 0");
  check(calls == 50 && engine.figures().copies == 0, "a call that had answered was copied");
}

// A timer that is far off keeps nobody: neither an answer, nor a deadline, nor the engine.
void over_is_over(const Setting& setting) {
  FirstStaysOut slow;
  auto engine = setting.start(from_int([&](Stream<int> s) { return hedge("h", s, after_a_day, slow.stage()); }));
  auto late = engine.submit(1, {.within = 60ms});
  expect(late.get(), Code::deadline_missed);
  check(slow.calls() == 1, "a second call after the deadline");
  auto stopped = engine.submit(1);
  slow.let_go();
  expect(stopped.get(), "2 winner 0");
  check(engine.drain().empty(), "something runs still");
  check(slow.calls() == 2 && engine.figures().copies == 0, "a copy of a request that was over");
}

void a_hedge_is_no_retry(const Setting& setting) {
  FirstStaysOut slow;
  auto engine = setting.start(from_int([&](Stream<int> s) { return hedge("h", s, after_a_day, slow.stage()); }));
  auto h = engine.submit(1);
  check(eventually([&] { return slow.calls() == 1; }), "the stage was not called");
  check(eventually([&] { return slow.fail(), h.ready(); }), "no outcome");
  expect(h.get(), "bad_value at h[0]: the first");
  check(slow.calls() == 1, "a call that failed was made again");
}

void no_room_for_losers(const Setting& setting) {
  FirstStaysOut slow;
  Setting tight = setting;
  tight.max_losers = 0;
  auto engine =
      tight.start(from_int([&](Stream<int> s) { return hedge("h", s, PolicyUse{"race_all"}, slow.stage()); }));
  auto h = engine.submit(1);
  check(eventually([&] { return slow.calls() == 1; }), "the stage was not called");
  check(eventually([&] { return slow.answer(3) || h.ready(); }), "no outcome");
  expect(h.get(), "3 winner 0");
  check(slow.calls() == 1, "a copy without room for a loser");
}

// Wants a copy of everything.
struct Greedy {
  struct State {};
  double share;
  HedgeAction decide(const HedgeSnapshot&, TimePoint, State&) const noexcept { return {HedgeAction::Kind::start, {}}; }
  void observe(State&, const HedgeSample&) const noexcept {}
  HedgeBudget budget() const noexcept { return {share, 2}; }
};

void the_budget_holds(const Setting& setting) {
  PolicyCatalog mine;
  mine.add_hedge("greedy", {{"share", 0.5, 0, 1}}, [](const Parameters& p) { return Greedy{p.number("share", 0)}; });
  EngineOptions options;
  options.policies = std::make_shared<PolicyCatalog>(mine);
  auto engine = setting.start(from_int([](Stream<int> s) {
                                return hedge("h", s, {"greedy", {{"share", 0.25}}}, again(plus_one));
                              }),
                              options);
  constexpr std::uint64_t calls = 200;
  for (std::uint64_t i = 0; i < calls; i += 4) {
    std::vector<Handle<int>> four;
    for (int k = 0; k < 4; ++k) four.push_back(engine.submit(k));
    for (int k = 0; k < 4; ++k) check(*four[static_cast<std::size_t>(k)].get() == k + 1, "not the answer");
  }
  const auto copies = engine.figures().copies;
  check(copies <= calls / 4 + 2, "more copies than the budget allows: " + std::to_string(copies));
  if (setting.max_losers > 0) check(copies >= calls / 4, "fewer copies: " + std::to_string(copies));
}

void refused_before_anything_runs(const Setting& setting) {
  const auto refusal = [&](const PolicyUse& policy, auto stage) {
    try {
      (void)setting.start(from_int([&](Stream<int> s) { return hedge("h", s, policy, stage); }));
    } catch (const std::exception& e) {
      return std::string(e.what());
    }
    return std::string("started");
  };
  const auto has = [](const std::string& text, const std::string& part) {
    check(text.find(part) != text.npos, "expected '" + part + "' in: " + text);
  };
  has(refusal({"never"}, plus_one), "h[0]: may be asked twice for one request");
  has(refusal({"adaptve"}, again(plus_one)), "there is no hedging policy 'adaptve' (did you mean 'adaptive'?)");
  has(refusal({"fixed", {{"delay", 1}}}, again(plus_one)), "no parameter 'delay'; it takes 'delay_ms'");
  has(refusal({"reissue", {{"probability", 2}}}, again(plus_one)), "must be a number from 0 to 1, got 2");
}

}  // namespace

void add_hedge_cases(std::vector<Case>& t) {
  add_outcomes(t);
  t.push_back(script_case("a second call answers for the first",
                          {"hedge-second", "hedge-loser-told", "hedge-loser-not-waited"}, the_second_answers));
  t.push_back(script_case("calls that answer in time have no copy", {"hedge-over"}, quick_calls_have_no_copy));
  t.push_back(script_case("no copy of what is over", {"hedge-over"}, over_is_over));
  t.push_back(script_case("a hedge is no retry", {"hedge-no-retry"}, a_hedge_is_no_retry));
  t.push_back(script_case("no copy without room for a loser", {"hedge-room"}, no_room_for_losers));
  t.push_back(script_case("a hedge's budget holds", {"hedge-budget", "hedge-policy"}, the_budget_holds));
  t.push_back(script_case("a hedge that cannot be is refused", {"hedge-replicable", "hedge-policy"},
                          refused_before_anything_runs));
}

}  // namespace tailrace::test
