// fork: which joins run their branches at the same time, by numbers only.
// checks: profile-none
#include "tailrace/opt/fork.h"

#include <catch2/catch.hpp>

#include "opt/flows.h"
#include "tailrace/exec/pool.h"
#include "tailrace/exec/start.h"
#include "tailrace/opt/cost.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/plan/verify.h"

namespace tr = tailrace;
using namespace tailrace::test;

namespace {

constexpr double wake = 30e-6;

// Two branches of two stages each, and a stage that both read.
tr::Flow<int, int> two() {
  return tr::flow<int>("two", [](tr::Stream<int> x) {
    auto s = x.then("s", next);
    return tr::join_with("sum", add, s.then("a", next).then("b", next), s.then("c", next).then("d", next));
  });
}
tr::Profile costs(double ab, double cd, unsigned threads = 2) {
  return profile_of({{"s", 1}, {"a", ab / 2}, {"b", ab / 2}, {"c", cd}, {"d", 0}, {"sum", 1e-6}}, wake, threads);
}
tr::PlanData decided(const tr::Flow<int, int>& flow, const tr::Profile& profile) {
  auto plan = plan_for(flow.share());
  CHECK(tr::cost(plan, {.profile = profile}).empty());
  plan.choices.decisions.clear();
  CHECK(tr::fork(plan, {.profile = profile}).empty());
  CHECK(tr::verify(plan).what() == "");
  return plan;
}
bool forked(const tr::PlanData& plan, const std::string& name) {
  for (std::size_t i = 0; i < plan.graph->nodes.size(); ++i)
    if (plan.graph->nodes[i].name == name) return plan.choices.root.fork[i];
  throw std::runtime_error("no node " + name);
}

}  // namespace

TEST_CASE("without a profile nothing is forked and nothing said") {
  auto plan = plan_for(two().share());
  CHECK(tr::fork(plan, {}).empty());
  CHECK_FALSE(forked(plan, "sum"));
  CHECK(plan.choices.decisions.empty());
}

TEST_CASE("a join forks from ten wake-ups in its shorter branch on") {
  CHECK(forked(decided(two(), costs(1e-3, 10.1 * wake)), "sum"));
  CHECK_FALSE(forked(decided(two(), costs(1e-3, 9.9 * wake)), "sum"));
  CHECK_FALSE(forked(decided(two(), costs(5e-6, 5e-6)), "sum"));
  CHECK_FALSE(forked(decided(two(), costs(1, 1e-6)), "sum"));
}

TEST_CASE("what is decided is told with its numbers") {
  auto d = decided(two(), costs(1e-3, 2e-3)).choices.decisions.at(0);
  CHECK(d.pass == "fork");
  CHECK(d.where == "sum");
  CHECK(d.what == "its 2 branches run at the same time");
  CHECK(d.why == "1 ms of 3 ms would overlap, and waking a thread takes 30 us: it pays from 10 times that on");
  CHECK(d.expected == Approx(2e-3 + wake));
  CHECK(d.unit == "s");
  CHECK(d.source == "profile");
  d = decided(two(), costs(1e-6, 2e-3)).choices.decisions.at(0);
  CHECK(d.what == "its 2 branches run one after another");
  CHECK(d.expected == Approx(2.001e-3));
}

TEST_CASE("nothing is forked where something is not known, or there is one thread") {
  auto p = costs(1, 1);
  p.wake = {};
  auto plan = decided(two(), p);
  CHECK_FALSE(forked(plan, "sum"));
  CHECK(plan.choices.decisions.at(0).why == "the profile does not say what waking a thread takes");
  p = costs(1, 1);
  p.costs.erase(p.costs.begin() + (p.find("c") - p.costs.data()));
  plan = decided(two(), p);
  CHECK_FALSE(forked(plan, "sum"));
  CHECK(plan.choices.decisions.at(0).why == "nothing is known of what c takes");
  CHECK(plan.choices.decisions.at(0).expected < 0);
  for (unsigned threads : {0u, 1u}) {
    plan = decided(two(), costs(1, 1, threads));
    CHECK_FALSE(forked(plan, "sum"));
    CHECK(plan.choices.decisions.at(0).why == "there is no thread for a second one");
  }
}

TEST_CASE("a join with one branch of its own is no question") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) {
    auto s = x.then("s", next);
    return tr::join_with("sum", add, s, s.then("a", next));
  });
  const auto plan = decided(f, profile_of({{"s", 1}, {"a", 1}, {"sum", 1}}, wake, 4));
  CHECK_FALSE(forked(plan, "sum"));
  CHECK(plan.choices.decisions.empty());
}

TEST_CASE("many branches pay for many wake-ups, and are bounded by the threads that there are") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) {
    return tr::join_with(
        "sum", [](int a, int b, int c, int d) { return a + b + c + d; }, x.then("a", next), x.then("b", next),
        x.then("c", next), x.then("d", next));
  });
  const auto even = [](double t, unsigned threads) {
    return profile_of({{"a", t}, {"b", t}, {"c", t}, {"d", t}, {"sum", 0}}, wake, threads);
  };
  CHECK(forked(decided(f, even(11 * wake, 4)), "sum"));
  CHECK_FALSE(forked(decided(f, even(11 * wake, 2)), "sum"));  // only half of it overlaps
  CHECK(forked(decided(f, even(16 * wake, 2)), "sum"));
}

TEST_CASE("a join inside a branch forks where threads are left for it") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) {
    auto inner = tr::join_with("inner", add, x.then("a", next), x.then("b", next));
    return tr::join_with("outer", add, inner, x.then("c", next));
  });
  const auto p = [](unsigned threads) {
    return profile_of({{"a", 1}, {"b", 1}, {"c", 2}, {"inner", 0}, {"outer", 0}}, wake, threads);
  };
  CHECK(forked(decided(f, p(2)), "outer"));
  CHECK_FALSE(forked(decided(f, p(2)), "inner"));
  CHECK(forked(decided(f, p(4)), "inner"));
}

TEST_CASE("joins in arms are looked at; elements of an each and arms of a race have their threads already") {
  const auto in_arm = [](auto combine) {
    const auto f = combine();
    auto p = profile_of({}, wake, 2);
    for (const char* where : {"k[0].s", "k[0].a", "k[0].b", "k[0].c", "k[0].d", "k[0].sum", "k"})
      p.add(cost_of(where, 1));
    auto plan = plan_for(f.share());
    CHECK(tr::cost(plan, {.profile = p}).empty());
    CHECK(tr::fork(plan, {.profile = p}).empty());
    return bool(plan.choices.root.arms[1][0].fork.back());
  };
  CHECK(in_arm([] {
    return tr::flow<int>("f", [](tr::Stream<int> x) { return tr::cascade("k", x, tr::exit_if(two(), odd), next); });
  }));
  CHECK_FALSE(
      in_arm([] { return tr::flow<int>("f", [](tr::Stream<int> x) { return tr::race("k", x, two(), next); }); }));
  CHECK_FALSE(in_arm([] {
    return tr::flow<std::vector<int>>("f", [](tr::Stream<std::vector<int>> x) { return tr::each("k", x, two()); });
  }));
}

TEST_CASE("a plan that forks and fuses by cost gives the same answers") {
  const auto plain = tr::optimise(two()).value();
  const auto forked_plan = tr::optimise(two(), {.profile = costs(1, 1)}).value();
  CHECK(forked(forked_plan.data(), "sum"));
  auto one = tr::start(plain, {.executor = tr::pool_executor(1).value()}).value();
  auto both = tr::start(forked_plan, {.executor = tr::pool_executor(2).value()}).value();
  for (int i = 0; i < 200; ++i) CHECK(*both.run(i) == *one.run(i));
}

TEST_CASE("a flow of thousands of joins is decided in no time") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) {
    for (int i = 0; i < 1500; ++i) {
      const auto n = std::to_string(i);
      x = tr::join_with("j" + n, add, x.then("a" + n, next), x.then("b" + n, next));
    }
    return x;
  });
  auto p = profile_of({}, wake, 4);
  for (const auto& node : f.graph().nodes) p.add(cost_of(node.name, 1e-6));
  const auto begin = tr::Clock::now();
  decided(f, p);
  CHECK(tr::Clock::now() - begin < std::chrono::seconds(20));  // milliseconds for each join would be minutes
}
