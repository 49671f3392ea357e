// cost: what the profile knows stands beside each stage, and what it does not is told.
#include "tailrace/opt/cost.h"

#include <catch2/catch.hpp>

#include "opt/flows.h"
#include "tailrace/opt/variant.h"
#include "tailrace/plan/verify.h"

namespace tr = tailrace;
using namespace tailrace::test;

TEST_CASE("costs stand beside stages, in arms too; what is not known is below zero") {
  auto plan = plan_for(lines().share());
  const tr::OptimiseOptions options{
      .profile = profile_of({{"a", 1e-6}, {"b", 2e-6}, {"label", 5e-6}, {"label[1].c", 3e-6}, {"e", 0}}, 1e-5, 2)};
  CHECK(tr::cost(plan, options).empty());
  const auto& root = plan.choices.root;
  CHECK(root.seconds == std::vector<double>{0, 1e-6, 2e-6, 5e-6, 0, -1});
  CHECK(root.arms[3][0].seconds == std::vector<double>{0, -1});
  CHECK(root.arms[3][1].seconds == std::vector<double>{0, 3e-6, -1});
  CHECK(tr::verify(plan).what() == "");
  CHECK(decisions(plan) ==
        "cost lines: 5 of 8 stages and combinators have a cost\n"
        "cost label[0]: nothing is known of it\n"
        "cost label[1].d: nothing is known of it\n"
        "cost f: nothing is known of it\n");
  CHECK(plan.choices.decisions[0].why == "measured on 2026-01-02, a machine, a compiler, 2 threads");
}

TEST_CASE("without a profile there are no costs and nothing to tell") {
  auto plan = plan_for(lines().share());
  CHECK(tr::cost(plan, {}).empty());
  CHECK(plan.choices.root.seconds.empty());
  CHECK(plan.choices.decisions.empty());
}

TEST_CASE("costs whose rounds differ much are told") {
  auto plan = plan_for(lines().share());
  tr::Profile p = profile_of({}, 1e-5, 2);
  tr::Cost c = cost_of("a", 1e-6);
  c.time.spread = 0.9;
  p.add(c);
  CHECK(tr::cost(plan, {.profile = p}).empty());
  CHECK_THAT(decisions(plan), Catch::Contains("cost a: what is known of it is not certain\n"));
  CHECK(plan.choices.root.seconds[1] == 1e-6);
}

TEST_CASE("a model costs what its chosen variant does") {
  tr::Registry models;
  models.add("digit", make_variant("tiny", 0.9));
  models.add("digit", make_variant("large", 0.98));
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) { return x.then("m", tr::model<int, int>("digit")); });
  tr::Profile p = profile_of({}, 1e-5, 2);
  p.add(cost_of("m", 8e-6, "tiny"));
  p.add(cost_of("m", 3e-6, "large"));
  auto plan = plan_for(f.share());
  const tr::OptimiseOptions options{.profile = p, .models = models};
  CHECK(tr::variant(plan, options).empty());
  CHECK(plan.graph->nodes[1].stage.model.variant == "large");  // measured to be the faster one
  CHECK(plan.choices.decisions[0].source == "profile");
  CHECK(plan.choices.decisions[0].expected == Approx(3e-3));
  CHECK(tr::cost(plan, options).empty());
  CHECK(plan.choices.root.seconds[1] == 3e-6);
}

TEST_CASE("a misfit of costs is found by verify") {
  auto plan = plan_for(lines().share());
  plan.choices.root.seconds = {1};
  CHECK_THAT(tr::verify(plan).what(), Catch::Contains("the choices are for another graph"));
}
