// optimise: the list of passes, the driver around them, and mistakes.
#include "tailrace/opt/optimise.h"

#include <catch2/catch.hpp>
#include <set>

#include "opt/flows.h"
#include "support/golden.h"
#include "tailrace/plan/explain.h"
#include "tailrace/plan/verify.h"

namespace tr = tailrace;
using namespace tailrace::test;

namespace {

tr::Flow<int, int> with_models() {
  return tr::flow<int>("models", [](tr::Stream<int> x) {
    auto careful = tr::flow<int>("careful", [](tr::Stream<int> y) {
      return y.then("prepare", next).then("digit", tr::model<int, int>("digit", {.accuracy = 0.98}));
    });
    auto a = x.then("a", next).then("b", next);
    return tr::cascade("label", a, tr::exit_if(tr::model<int, int>("digit", {.accuracy = 0.9}), tr::named("odd", odd)),
                       careful);
  });
}

tr::Registry digits() {
  tr::Registry models;
  models.add("digit", make_variant("tiny", 0.93, std::chrono::microseconds(120)));
  models.add("digit", make_variant("large", 0.985));
  return models;
}

}  // namespace

TEST_CASE("the list of passes is in order, each says why it stands there") {
  std::string names;
  for (const auto& pass : tr::passes()) {
    names += std::string(pass.name) + " ";
    CHECK(pass.why_here.size() > 10);
  }
  CHECK(names == "variant place cost fork exit race batch fuse ");
  CHECK(tr::passes()[0].kind == tr::PassKind::choice);
  CHECK(tr::passes()[1].kind == tr::PassKind::choice);
  CHECK(tr::passes()[4].kind == tr::PassKind::choice);
  CHECK(tr::passes()[5].kind == tr::PassKind::choice);
  CHECK(tr::passes()[7].kind == tr::PassKind::rewrite);
}

TEST_CASE("a flow becomes a plan, typed, with every pass on record") {
  const auto plan = tr::optimise(lines());
  REQUIRE(plan);
  STATIC_REQUIRE(std::is_same_v<decltype(plan), const tr::Built<tr::Plan<int, int>>>);
  const auto& choices = plan->data().choices;
  REQUIRE(choices.passes.size() == tr::passes().size());
  for (const auto& record : choices.passes) {
    CHECK_FALSE(record.skipped);
    CHECK(record.seconds >= 0);
  }
  CHECK(tr::verify(plan->data()).what() == "");
}

TEST_CASE("a plan with every kind of decision is explained") {
  const auto plan = tr::optimise(with_models(), {.models = digits()});
  REQUIRE(plan);
  const auto text = tr::explain(*plan);
  CHECK(text == golden("explain_optimised", text));
  CHECK(text == tr::explain(*tr::optimise(with_models(), {.models = digits()})));
}

TEST_CASE("a plan made with a profile shows its numbers, and what is unknown") {
  const auto profile = profile_of({{"a", 40e-9}, {"b", 60e-9}, {"label", 30e-6}, {"label[1].prepare", 2e-6}}, 30e-6, 2);
  tr::Profile with_variants = profile;
  with_variants.add(cost_of("label[0]", 90e-6, "tiny"));
  const auto plan = tr::optimise(with_models(), {.profile = with_variants, .models = digits()});
  REQUIRE(plan);
  const auto text = tr::explain(*plan);
  CHECK(text == golden("explain_profile", text));
}

TEST_CASE("each pass can be left out, and that is on record") {
  for (const auto& pass : tr::passes()) {
    if (pass.name == "variant") continue;
    const auto plan = tr::optimise(with_models(), {.models = digits(), .without = {std::string(pass.name)}});
    REQUIRE(plan);
    for (const auto& record : plan->data().choices.passes) CHECK(record.skipped == (record.name == pass.name));
    for (const auto& d : plan->data().choices.decisions) CHECK(d.pass != pass.name);
    CHECK_THAT(tr::explain(*plan), Catch::Contains(std::string(pass.name) + ": skipped, as asked"));
  }
}

TEST_CASE("a pass that does not exist is an error with the nearest name") {
  const auto plan = tr::optimise(lines(), {.without = {"fusee", "place"}});
  REQUIRE_FALSE(plan);
  CHECK(plan.error().code() == tr::Code::unknown_name);
  CHECK(plan.error().what() == "without: there is no pass 'fusee' (did you mean 'fuse'?)");
}

TEST_CASE("without the pass variant a model by name has nobody to resolve it") {
  const auto plan = tr::optimise(with_models(), {.models = digits(), .without = {"variant"}});
  REQUIRE_FALSE(plan);
  CHECK(plan.error().size() == 2);
  CHECK_THAT(plan.error().what(), Catch::Contains("label[0]: nobody said which model 'digit' is"));
  CHECK(tr::optimise(lines(), {.without = {"variant", "place", "fuse"}}));
}

TEST_CASE("no flow, and a flow too large, are refused") {
  CHECK(tr::optimise(std::shared_ptr<const tr::Graph>()).error().what() ==
        "optimise: needs a flow, but was given none");
  auto wide = lines();
  for (int i = 0; i < 40; ++i)
    wide = tr::flow<int>("wide", [&](tr::Stream<int> x) { return tr::race("r", x, wide, wide); });
  CHECK_THAT(tr::optimise(wide).error().what(), Catch::Contains("is too large"));
}

TEST_CASE("all mistakes come at once: of the flow, its arms, its models and the options") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) {
    x.then("forgotten", next);                                                // 1
    auto twice = x.then("a", next).then("a", next);                           // 2
    auto arm = tr::flow<int>("arm", [&](tr::Stream<int>) { return twice; });  // 3
    auto r = tr::race("r", twice, next, arm);
    return r.then("m", tr::model<int, int>("digits"));  // 4
  });
  const auto plan = tr::optimise(f, {.models = digits(), .without = {"plaice"}});  // 5
  REQUIRE_FALSE(plan);
  const std::string all = plan.error().what();
  INFO(all);
  CHECK(plan.error().size() == 5);
  CHECK_THAT(all, Catch::Contains("forgotten: unused stream"));
  CHECK_THAT(all, Catch::Contains("a: two stages have the name 'a'"));
  CHECK_THAT(all, Catch::Contains("r[1]: its output is stage 'a' of flow 'f', but this is flow 'arm'"));
  CHECK_THAT(all, Catch::Contains("m: there is no model 'digits' in the registry (did you mean 'digit'?)"));
  CHECK_THAT(all, Catch::Contains("without: there is no pass 'plaice' (did you mean 'place'?)"));
}

TEST_CASE("a pass that breaks the plan is our error and is named") {
  const tr::Pass torn{"torn", tr::PassKind::rewrite,
                      [](tr::PlanData& plan, const tr::OptimiseOptions&) {
                        plan.choices.root.group.pop_back();
                        return tr::Problems();
                      },
                      "for this test"};
  auto plan = plan_for(lines().share());
  const auto problems = tr::run_pass(torn, plan, {});
  REQUIRE(problems.size() == 1);
  CHECK(problems.code() == tr::Code::internal_error);
  CHECK_THAT(problems.what(), Catch::Contains("the pass 'torn' broke the plan: the choices are for another graph"));
  auto untouched = plan_for(lines().share());
  CHECK(tr::run_pass(torn, untouched, {.without = {"torn"}}).empty());
  CHECK(untouched.choices.passes.at(0).skipped);
}

TEST_CASE("what a pass refuses is passed on as it is") {
  const tr::Pass picky{"picky", tr::PassKind::choice,
                       [](tr::PlanData&, const tr::OptimiseOptions&) {
                         return tr::Problems(tr::Code::bad_value, "a", "does not please me");
                       },
                       "for this test"};
  auto plan = plan_for(lines().share());
  CHECK(tr::run_pass(picky, plan, {}).what() == "a: does not please me");
}

TEST_CASE("the same flow gives the same plan") {
  const auto one = tr::optimise(lines()), other = tr::optimise(lines());
  CHECK(one->data().choices.root.group == other->data().choices.root.group);
  CHECK(tr::difference(*one->data().graph, *other->data().graph) == "");
}
