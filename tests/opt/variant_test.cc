// variant: which variant a model's name and need come to.
#include "tailrace/opt/variant.h"

#include <catch2/catch.hpp>

#include "opt/flows.h"

namespace tr = tailrace;
using namespace tailrace::test;
using std::chrono::microseconds;

namespace {

tr::PlanData asking_for(tr::Need need, const std::string& model = "digit") {
  const auto f = tr::flow<int>("f", [&](tr::Stream<int> x) { return x.then("m", tr::model<int, int>(model, need)); });
  return plan_for(f.share());
}

// The chosen variant, or what was refused.
std::string chosen(tr::Need need, const tr::Registry& models, const std::string& model = "digit") {
  auto plan = asking_for(need, model);
  const auto problems = tr::variant(plan, {.models = models});
  if (!problems.empty()) return problems.what();
  const auto& use = plan.graph->nodes[1].stage.model;
  CHECK(use.model != nullptr);
  return use.variant;
}

tr::Registry three() {
  tr::Registry models;
  models.add("digit", make_variant("large", 0.99, microseconds(900)));
  models.add("digit", make_variant("middle", 0.97, microseconds(300)));
  models.add("digit", make_variant("tiny", 0.93, microseconds(100)));
  return models;
}

}  // namespace

TEST_CASE("the fastest variant that is accurate enough") {
  CHECK(chosen({.accuracy = 0.95}, three()) == "middle");
  CHECK(chosen({.accuracy = 0.97}, three()) == "middle");
  CHECK(chosen({.accuracy = 0.975}, three()) == "large");
  CHECK(chosen({}, three()) == "tiny");
}

TEST_CASE("a known latency comes before an unknown one, and the first added among equals") {
  auto models = three();
  models.add("digit", make_variant("mystery", 0.999));
  CHECK(chosen({.accuracy = 0.95}, models) == "middle");
  CHECK(chosen({.accuracy = 0.995}, models) == "mystery");
  tr::Registry equals;
  equals.add("digit", make_variant("one", 0.9));
  equals.add("digit", make_variant("two", 0.9));
  CHECK(chosen({.accuracy = 0.5}, equals) == "one");
}

TEST_CASE("an unknown accuracy meets only a need of nothing") {
  tr::Registry models;
  models.add("digit", make_variant("unmeasured", 0));
  CHECK(chosen({}, models) == "unmeasured");
  CHECK(
      chosen({.accuracy = 0.1}, models) ==
      "m: needs model 'digit' with an accuracy of at least 0.1, but the nearest variant, 'unmeasured', has an unknown "
      "accuracy");
}

TEST_CASE("what cannot be met is refused with what comes nearest") {
  CHECK(chosen({.accuracy = 0.995}, three()) ==
        "m: needs model 'digit' with an accuracy of at least 0.995, but the nearest variant, 'large', has 0.99");
  CHECK(chosen({}, three(), "digits") == "m: there is no model 'digits' in the registry (did you mean 'digit'?)");
  CHECK(chosen({}, {}) == "m: there is no model 'digit' in the registry; the registry is empty");
  tr::Registry hollow;
  hollow.add("digit", {"hollow", nullptr, 0.9, {}});
  CHECK(chosen({}, hollow) == "m: no variant of model 'digit' has a network behind it");
}

TEST_CASE("decisions say which, why, and what the registry knows of it") {
  auto plan = asking_for({.accuracy = 0.95});
  CHECK(tr::variant(plan, {.models = three()}).empty());
  REQUIRE(plan.choices.decisions.size() == 1);
  const auto& d = plan.choices.decisions[0];
  CHECK(decisions(plan) == "variant m: model digit is served by its variant middle\n");
  CHECK(d.why == "the fastest of 2 variants with accuracy of at least 0.95");
  CHECK(d.expected == 0.3);
  CHECK(d.unit == "ms a row");
  CHECK(d.source == "registry");
}

TEST_CASE("the bound stage runs the chosen model, and the flow itself stays as it was") {
  const auto graph = asking_for({}).graph;
  tr::Registry models;
  models.add("digit", {"triple", std::make_shared<Times>(3), 0, {}});
  tr::PlanData plan = plan_for(graph);
  CHECK(tr::variant(plan, {.models = models}).empty());
  CHECK(plan.graph != graph);
  CHECK(graph->nodes[1].stage.model.model == nullptr);
  const auto* stage = static_cast<const tr::ModelStage<int, int>*>(plan.graph->nodes[1].stage.context.get());
  const auto answer = (*stage)(14);
  REQUIRE(answer);
  CHECK(*answer == 42);
}

TEST_CASE("models in arms are bound; arms without any are shared with the flow") {
  const auto inner =
      tr::flow<int>("inner", [](tr::Stream<int> x) { return x.then("m", tr::model<int, int>("digit")); });
  const auto f = tr::flow<int>("f", [&](tr::Stream<int> x) { return tr::race("r", x, next, inner); });
  tr::PlanData plan = plan_for(f.share());
  CHECK(tr::variant(plan, {.models = three()}).empty());
  CHECK(decisions(plan) == "variant r[1].m: model digit is served by its variant tiny\n");
  CHECK(plan.graph->nodes[1].arms[0].graph == f.graph().nodes[1].arms[0].graph);
  CHECK(plan.graph->nodes[1].arms[1].graph != inner.share());
  CHECK(inner.graph().nodes[1].stage.model.model == nullptr);
}

TEST_CASE("models that a back end loaded stay, and so does a flow without models") {
  auto loaded = tr::model<int, int>("digit").with(std::make_shared<Times>());
  const auto f = tr::flow<int>("f", [&](tr::Stream<int> x) { return x.then("m", loaded).then("a", next); });
  tr::PlanData plan = plan_for(f.share());
  CHECK(tr::variant(plan, {}).empty());
  CHECK(plan.graph == f.share());
  CHECK(decisions(plan).empty());
}

TEST_CASE("every model that cannot be resolved is told") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) {
    return tr::race("r", x.then("m", tr::model<int, int>("one")), next, tr::model<int, int>("two"));
  });
  tr::PlanData plan = plan_for(f.share());
  CHECK(tr::variant(plan, {}).size() == 2);
}
