// race: which stages are hedged, by numbers only, and what is told of it.
// checks: race-asked, race-same
#include "tailrace/opt/race.h"

#include <catch2/catch.hpp>

#include "opt/flows.h"
#include "tailrace/exec/pool.h"
#include "tailrace/exec/start.h"
#include "tailrace/opt/cost.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/plan/catalog.h"
#include "tailrace/plan/explain.h"
#include "tailrace/plan/json.h"
#include "tailrace/plan/verify.h"
#include "tailrace/sim/service.h"
#include "tailrace/sim/simulate.h"

namespace tr = tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

constexpr double wake = 30e-6;
const tr::OptimiseOptions as_asked{.with = {"race"}};

// Ten calls in a hundred take longer than twice the median, one takes `p99`.
tr::Cost heavy(std::string where, double p99 = .1, std::string variant = {}) {
  tr::Cost c = cost_of(std::move(where), p99, std::move(variant));
  c.time = {1000, p99 / 20, p99 / 10, p99 / 15, p99 / 5, p99, 0};
  return c;
}
tr::Profile profile(std::initializer_list<tr::Cost> costs, unsigned threads = 2) {
  tr::Profile p = profile_of({}, wake, threads);
  for (const auto& c : costs) p.add(c);
  return p;
}
auto twice(int (*f)(int)) { return tr::stage(f, {.replicable = true, .function = "next"}); }

// a -> slow -> b, where only the middle one is declared.
tr::Flow<int, int> line() {
  return tr::flow<int>("line", [](tr::Stream<int> x) {
    return x.then("a", tr::named("next", next)).then("slow", twice(next)).then("b", tr::named("next", next));
  });
}
tr::PlanData decided(const std::shared_ptr<const tr::Graph>& graph, tr::Profile profile,
                     tr::OptimiseOptions options = as_asked) {
  options.profile = std::move(profile);
  auto plan = plan_for(graph);
  CHECK(tr::cost(plan, options).empty());
  plan.choices.decisions.clear();
  CHECK(tr::race(plan, options).empty());
  CHECK(tr::verify(plan).what() == "");
  return plan;
}
// Of the flow and its profile, what is said of one place.
std::string said(const tr::PlanData& plan, const std::string& where) {
  for (const auto& d : plan.choices.decisions)
    if (d.pass == "race" && d.where == where) return d.what + ": " + d.why;
  return "nothing";
}
template <class Stage>
std::string bar(Stage stage, unsigned threads = 2) {
  const auto f = tr::flow<int>("f", [&](tr::Stream<int> x) { return x.then("s", stage); });
  auto plan = decided(f.share(), profile({heavy("s")}, threads));
  if (plan.graph->nodes[1].kind == tr::Kind::hedge) return "hedged";
  CHECK_THAT(said(plan, "s"), Catch::StartsWith("cannot be hedged, though it would pay: "));
  return said(plan, "s").substr(39);
}
std::string light(const tr::Cost& cost) {
  auto p = profile({cost});
  p.add(cost_of("a", 1e-6));
  p.add(cost_of("b", 1e-6));
  const auto plan = decided(line().share(), p);
  CHECK(plan.graph->nodes[2].kind == tr::Kind::then);
  CHECK_THAT(said(plan, "slow"), Catch::StartsWith("is not hedged: "));
  return said(plan, "slow").substr(15);
}

}  // namespace

TEST_CASE("without a profile race does nothing, and says so where it was asked") {
  auto plan = plan_for(line().share());
  CHECK(tr::race(plan, {}).empty());
  CHECK(plan.choices.decisions.empty());
  CHECK(tr::race(plan, as_asked).empty());
  CHECK(plan.graph->nodes[2].kind == tr::Kind::then);
  CHECK(said(plan, "line") == "nothing is hedged: there is no profile");
}

TEST_CASE("what would pay is proposed, and nothing changed, where nobody asked") {
  const auto graph = line().share();
  const auto plan = decided(graph, profile({heavy("slow"), cost_of("a", 1e-6)}), {});
  CHECK(plan.graph == graph);
  REQUIRE(plan.choices.decisions.size() == 1);
  const auto& d = plan.choices.decisions[0];
  CHECK(d.where == "slow");
  CHECK(d.what == "could be hedged");
  CHECK(d.unit == "s");
  CHECK(d.source == "profile");
  CHECK(d.expected > .02);
  CHECK(d.expected < .06);
  CHECK_THAT(d.why, Catch::StartsWith("p99 is 15 times p50, 100 ms. A second call of the "));
  CHECK_THAT(d.why,
             Catch::EndsWith("as far as slowness does not belong to the input, which the profile does not know"));
}

TEST_CASE("what pays is hedged where it was asked for, in the plan and in its text") {
  auto costs = profile({heavy("slow"), cost_of("a", 1e-6), cost_of("b", 1e-6)});
  auto known = heavy("slow");
  known.of_input = 0;
  costs.add(known);
  const auto plan = tr::optimise(line(), {.profile = costs, .with = {"race"}}).value();
  const tr::Graph& g = *plan.data().graph;
  REQUIRE(g.nodes[2].kind == tr::Kind::hedge);
  CHECK(g.nodes[2].name == "slow");
  CHECK(g.nodes[2].policy.name == "adaptive");
  CHECK(g.nodes[2].policy.parameters.number("share", 0) == .1);
  CHECK(g.nodes[2].arms.size() == 1);
  CHECK(plan.data().choices.root.arms[2][0].seconds == std::vector<double>{0, known.time.p50});
  CHECK(said(plan.data(), "line") == "stages are hedged where it pays: as asked");
  CHECK_THAT(said(plan.data(), "a"), Catch::StartsWith("is not hedged: its tail is light: p99 is 1 times p50"));
  const std::string text = tr::explain(plan);
  CHECK_THAT(text, Catch::Contains("slow: hedged, by adaptive: a second call for at most one in 10"));
  CHECK_THAT(text, Catch::Contains("second call by adaptive"));
  CHECK_THAT(said(plan.data(), "slow"), !Catch::Contains("does not know"));
}

TEST_CASE("a goal asks for it where the profile says that it is missed") {
  const auto with_goal = [](tr::Duration goal, double whole) {
    auto p = profile({heavy("slow")});
    if (whole > 0) p.add(cost_of("", whole));
    return decided(line().share(), p, {.goal = {.p99 = goal}});
  };
  CHECK(with_goal(50ms, .1).graph->nodes[2].kind == tr::Kind::hedge);
  CHECK(said(with_goal(50ms, .1), "line") ==
        "stages are hedged where it pays: 99 of 100 requests take up to 100 ms, and the goal is 50 ms");
  const auto met = with_goal(200ms, .1);
  CHECK(met.graph->nodes[2].kind == tr::Kind::then);
  CHECK(said(met, "line") ==
        "nothing needs to be hedged: 99 of 100 requests take up to 100 ms, and the goal is 200 ms");
  CHECK_THAT(said(met, "slow"), Catch::StartsWith("could be hedged"));
  CHECK(with_goal(50ms, 0).graph->nodes[2].kind == tr::Kind::hedge);
}

TEST_CASE("a second call that does not pay is not made, and why is said") {
  CHECK(light(cost_of("elsewhere", 1)) == "nothing is known of what it takes");
  auto c = heavy("slow");
  c.time.calls = 99;
  CHECK(light(c) == "99 calls were measured: too few to know which one in 100 is slow");
  c = heavy("slow");
  c.time.p50 = c.time.p90 = c.time.p99 / 1.25;
  CHECK(light(c) == "its tail is light: p99 is 1.2 times p50, 100 ms");
  c = heavy("slow");
  c.of_input = 1;
  CHECK(light(c) == "100 of 100 slow calls are slow because of their input, and a second one would be too");
  c.of_input = .1;  // most of the gain is left
  CHECK(decided(line().share(), profile({c})).graph->nodes[2].kind == tr::Kind::hedge);
  // Ten microseconds are not worth a thread that must be woken for them.
  CHECK_THAT(light(heavy("slow", 100e-6)), Catch::StartsWith("a second call would take its p99 from 100 us to "));
}

TEST_CASE("what must not be asked twice is not, and neither is what gains nothing by its form") {
  CHECK(bar(twice(next)) == "hedged");
  CHECK_THAT(bar(next), Catch::StartsWith("nobody has said that it may be asked twice for one request"));
  CHECK(bar(tr::stage(next, {.replicable = true, .serial = true})) ==
        "it takes one call at a time: a second one would wait for the first");
  CHECK(bar(tr::stage(next, {.replicable = true, .limit = 3})) == "hedged");
  CHECK(bar(tr::stateful([] { return 0; }, [](int& n, const int& x) { return n += x; }, {.replicas = 4})) ==
        "it keeps a state");
  CHECK(bar(twice(next), 1) == "there is no thread for a second call");
  const auto later = tr::stage([](const int& x, tr::Completion<int> done) { done.complete(x); }, {.replicable = true});
  CHECK(bar(later, 1) == "hedged");
  auto p = profile({heavy("slow")});
  p.wake = {};
  CHECK_THAT(said(decided(line().share(), p), "slow"), Catch::EndsWith("does not say what waking a thread takes"));
}

TEST_CASE("stages in arms are hedged by their paths, but for those that have a rival") {
  const auto kinds = [](auto combine, const std::string& where) {
    const tr::Flow<int, int> f = tr::flow<int>("f", combine);
    const auto plan = decided(f.share(), profile({heavy(where)}));
    const tr::Graph& arm = *plan.graph->nodes[1].arms[0].graph;
    CHECK(plan.choices.root.arms[1][0].group.size() == arm.nodes.size());
    return std::string(tr::name(arm.nodes[1].kind)) + " " + arm.nodes[1].name + " of " + arm.name;
  };
  const auto inner = tr::flow<int>("inner", [](tr::Stream<int> x) { return x.then("s", twice(next)); });
  const auto cascade_of = [](auto arm) {
    return [=](tr::Stream<int> x) { return tr::cascade("k", x, tr::exit_if(arm, odd), next); };
  };
  CHECK(kinds(cascade_of(inner), "k[0].s") == "hedge s of inner");
  CHECK(kinds(cascade_of(twice(next)), "k[0]") == "hedge next of next");  // an arm of one stage gets a name
  CHECK(kinds(cascade_of(tr::stage([](int x) { return x; }, {.replicable = true})), "k[0]") == "hedge call of call");
  CHECK(kinds([&](tr::Stream<int> x) { return tr::choose("k", x, pick, inner, next); }, "k[0].s") ==
        "hedge s of inner");
  CHECK(kinds([&](tr::Stream<int> x) { return tr::race("k", x, inner, next); }, "k[0].s") == "then s of inner");
  CHECK(kinds([&](tr::Stream<int> x) { return tr::quorum("k", 1, x, inner, next); }, "k[0].s") == "then s of inner");
  CHECK(kinds([&](tr::Stream<int> x) { return tr::hedge("k", x, {"never"}, inner); }, "k[0].s") == "then s of inner");
}

TEST_CASE("a model is hedged as the variant that was chosen") {
  tr::Registry models;
  models.add("digit", make_variant("tiny", 0.9));
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) { return x.then("m", tr::model<int, int>("digit")); });
  const auto plan = tr::optimise(f, {.profile = profile({heavy("m", .1, "tiny")}), .models = models, .with = {"race"}});
  REQUIRE(plan);
  const tr::Graph& g = *plan->data().graph;
  REQUIRE(g.nodes[1].kind == tr::Kind::hedge);
  CHECK(g.nodes[1].arms[0].graph->nodes[1].stage.model.variant == "tiny");
}

// A second call may still be reading what it reads: nobody behind it can take that apart any more.
TEST_CASE("a hedge that would leave somebody without a value of its own is not made; others are") {
  using Only = std::unique_ptr<int>;
  const auto own = [](Only p) { return *p; };
  const auto f = tr::flow<int>("f", [&](tr::Stream<int> x) {
    const auto boxed = x.then("first", tr::stage([](int n) { return std::make_unique<int>(n); }, {.replicable = true}));
    const auto look = tr::stage([](const Only& p) { return *p; }, {.replicable = true});
    return tr::cascade("k", boxed, tr::exit_if(look, odd), own);
  });
  REQUIRE(tr::verify(f.graph()).what() == "");
  const auto plan = decided(f.share(), profile({heavy("first"), heavy("k[0]")}));
  CHECK(plan.graph->nodes[1].kind == tr::Kind::hedge);
  CHECK(plan.graph->nodes[2].arms[0].graph->nodes[1].kind == tr::Kind::then);
  CHECK(said(plan, "k[0]") ==
        "cannot be hedged, though it would pay: others could not have what it reads for themselves any more");
}

TEST_CASE("a flow that was hedged by race can be written and read") {
  const auto plan = decided(line().share(), profile({heavy("slow")}));
  tr::Catalog catalog;
  catalog.add("next", tr::stage(next, {.replicable = true}));
  const auto text = tr::write_flow(*plan.graph);
  REQUIRE(text);
  CHECK_THAT(*text, Catch::Contains(R"("policy": {"adaptive": {"share": 0.1}})") ||
                        Catch::Contains(R"("policy":{"adaptive":{"share":0.1}})"));
  const auto read = tr::read_flow<int, int>(*text, catalog);
  INFO((read ? "" : read.error().what()));
  REQUIRE(read);
  CHECK(tr::write_flow(*read).value() == *text);
}

TEST_CASE("names of passes that are asked for must exist") {
  const auto plan = tr::optimise(line(), {.with = {"rase"}});
  REQUIRE_FALSE(plan);
  CHECK(plan.error().what() == "with: there is no pass 'rase' (did you mean 'race'?)");
}

TEST_CASE("a plan that race hedged gives the same answers") {
  const auto third = [](const int& x) -> tr::Result<int> {
    if (x % 3 == 0) return tr::Error(tr::Code::bad_value, "a third");
    return x * 2;
  };
  const auto f = tr::flow<int>("f", [&](tr::Stream<int> x) {
    return x.then("a", next).then("slow", tr::stage(third, {.replicable = true})).then("b", next);
  });
  const auto plain = tr::optimise(f).value();
  const auto hedged = tr::optimise(f, {.profile = profile({heavy("slow")}), .with = {"race"}}).value();
  REQUIRE(hedged.data().graph->nodes[2].kind == tr::Kind::hedge);
  auto one = tr::start(plain, {.executor = tr::pool_executor(2).value()}).value();
  auto other = tr::start(hedged, {.executor = tr::pool_executor(2).value()}).value();
  for (int i = 0; i < 300; ++i) {
    const auto without = one.run(i), with = other.run(i);
    REQUIRE(bool(without) == bool(with));
    if (with) CHECK(*with == *without);
    else CHECK(with.error().code() == without.error().code());
    CHECK((!with || with.winner == 0 || with.hedged));
    if (!with) CHECK(with.error().where() == "slow[0]");
  }
}

// What it expects, the simulator finds, for calls that come one at a time.
TEST_CASE("what race expects is what the hedge gives") {
  const auto time = tr::sim::lognormal(6ms, 1);
  const auto service = tr::sim::service<int>(time, {.seed = 1, .holds_worker = false, .looks_every = 100us});
  const auto f =
      tr::flow<int>("f", [&](tr::Stream<int> x) { return x.then("s", tr::stage(service, {.replicable = true})); });
  const auto p99_of = [](const tr::Plan<int, int>& plan) {
    const auto report = tr::sim::simulate(plan, tr::sim::Workload<int>{tr::load::Closed{1, 1s}},
                                          {.seed = 3, .workers = 2, .requests = 60000});
    return report.value().latency;
  };
  const auto before = p99_of(tr::optimise(f).value());
  tr::Cost cost = cost_of("s", 0);
  cost.of_input = 0;
  cost.time = {60000,
               1e-4,
               .006 * std::exp(.5),
               tr::to_seconds(before.p50),
               tr::to_seconds(before.p90),
               tr::to_seconds(before.p99),
               0};
  const auto plan = tr::optimise(f, {.profile = profile({cost}), .with = {"race"}}).value();
  REQUIRE(plan.data().graph->nodes[1].kind == tr::Kind::hedge);
  double expected = 0;
  for (const auto& d : plan.data().choices.decisions)
    if (d.where == "s" && d.pass == "race") expected = d.expected;
  CHECK(tr::to_seconds(p99_of(plan).p99) == Approx(expected).epsilon(.1));
}
