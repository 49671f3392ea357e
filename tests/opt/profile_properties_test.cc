// Random flows with random profiles: every plan is sound, keeps max_block, and gives what the reference allows.
// checks: same-profile
// To replay a failure: RC_PARAMS="seed=…" as printed.
#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "opt/flows.h"
#include "support/check.h"
#include "support/random_flow.h"
#include "support/reference.h"
#include "tailrace/exec/pool.h"
#include "tailrace/exec/start.h"
#include "tailrace/plan/explain.h"

using namespace tailrace;
using namespace tailrace::test;

namespace {

// A cost from 10 ns to 100 ms at most places, in no relation to what is there, and a heavy tail at some.
void invent(const Graph& graph, const std::string& prefix, Profile& profile) {
  for (const Node& node : graph.nodes) {
    const std::string where = path_of(prefix, node);
    const int draw = *rc::gen::inRange(0, 90);
    if (draw < 70) profile.add(cost_of(where, std::pow(10, -8 + draw / 10.)));
    if (draw < 40) {
      Cost heavy = cost_of(where, 1e-3);
      heavy.time = {100, 1e-3, 3e-3, 1e-3, 5e-3, 30e-3, 0};
      profile.add(heavy);
    }
    for (std::size_t k = 0; k < node.arms.size(); ++k) invent(*node.arms[k].graph, arm_path(where, k), profile);
  }
}

// Blocks of several stages are of known cost and no longer than allowed.
void check_blocks(const Graph& graph, const GraphChoices& choices, double most) {
  const auto count = graph.nodes.size();
  for (std::size_t i = 0, end; i < count; i = end) {
    for (end = i + 1; end < count && choices.group[end] == choices.group[i];) ++end;
    double seconds = 0;
    for (auto k = i; k < end && end - i > 1; ++k) {
      RC_ASSERT(choices.seconds[k] >= 0);
      seconds += choices.seconds[k];
    }
    RC_ASSERT(seconds <= most * 1.000001);
    for (auto k = i; k < end; ++k)
      for (std::size_t a = 0; a < graph.nodes[k].arms.size(); ++a)
        check_blocks(*graph.nodes[k].arms[a].graph, choices.arms[k][a], most);
  }
}

// The same flow, all of whose stages may be asked twice: what they give depends on what they see alone.
std::shared_ptr<const Graph> declared(const Graph& graph) {
  auto copy = std::make_shared<Graph>(graph);
  for (Node& node : copy->nodes) {
    node.stage.replicable = node.kind == Kind::then || node.kind == Kind::join;
    for (Arm& arm : node.arms) arm.graph = declared(*arm.graph);
  }
  return copy;
}
std::size_t hedges(const Graph& graph) {
  std::size_t n = 0;
  for (const Node& node : graph.nodes) {
    n += node.kind == Kind::hedge;
    for (const Arm& arm : node.arms) n += hedges(*arm.graph);
  }
  return n;
}

}  // namespace

TEST_CASE("passes: whatever a profile says, plans are sound, keep max_block, and answer as the reference allows") {
  const auto pool = pool_executor(3).value();
  const bool holds = rc::check([&](const Genes& genes) {
    const auto flow = random_flow(genes);
    OptimiseOptions options{.profile = profile_of({}, 1e-5, *rc::gen::inRange(1u, 9u))};
    invent(flow.graph(), {}, options.profile);
    if (*rc::gen::arbitrary<bool>()) options.max_block = std::chrono::microseconds(*rc::gen::inRange(1, 10000));
    const auto plan = optimise(flow, options);
    if (!plan) RC_FAIL(plan.error().what());
    RC_ASSERT(!explain(*plan).empty());
    if (options.max_block > Duration{})
      check_blocks(flow.graph(), plan->data().choices.root, std::chrono::duration<double>(options.max_block).count());
    const auto allowed = reference_outcomes(flow, Token("input"));
    RC_PRE(!allowed.empty());
    auto engine = start(*plan, {.executor = pool}).value();
    for (int i = 0; i < 3; ++i) {
      const Result<Token> got = engine.submit(Token("input")).get();
      RC_ASSERT(std::any_of(allowed.begin(), allowed.end(),
                            [&](const auto& o) { return show(static_cast<const Result<Token>&>(o)) == show(got); }));
    }
  });
  CHECK(holds);
}

TEST_CASE("passes: whatever race hedges, plans are sound and answer as the flow does without it") {
  const auto pool = pool_executor(3).value();
  std::size_t hedged = 0;
  const bool holds = rc::check([&](const Genes& genes) {
    const Flow<Token, Token> flow(declared(random_flow(genes).graph()));
    OptimiseOptions options{.profile = profile_of({}, 1e-5, 4), .with = {"race"}};
    invent(flow.graph(), {}, options.profile);
    const auto plan = optimise(flow, options);
    if (!plan) RC_FAIL(plan.error().what());
    RC_ASSERT(!explain(*plan).empty());
    const auto more = hedges(*plan->data().graph) - hedges(flow.graph());
    hedged += more;
    const auto without = reference_outcomes(flow, Token("input"));
    const auto with = reference_outcomes(Flow<Token, Token>(plan->data().graph), Token("input"));
    RC_PRE(!without.empty() && !with.empty());
    const auto allows = [](const auto& all, const Result<Token>& got) {
      return std::any_of(all.begin(), all.end(),
                         [&](const auto& o) { return show(static_cast<const Result<Token>&>(o)) == show(got); });
    };
    auto engine = start(*plan, {.executor = pool}).value();
    for (int i = 0; i < 3; ++i) {
      const Result<Token> got = engine.submit(Token("input")).get();
      RC_ASSERT(allows(with, got));
      if (got) RC_ASSERT(allows(without, got));  // an error says where, and that is another path inside a hedge
    }
  });
  CHECK(holds);
  CHECK(hedged > 20);
}
