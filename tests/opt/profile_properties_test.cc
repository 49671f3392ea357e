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

// A cost from 10 ns to 100 ms at most places, in no relation to what is there.
void invent(const Graph& graph, const std::string& prefix, Profile& profile) {
  for (const Node& node : graph.nodes) {
    const std::string where = path_of(prefix, node);
    const int draw = *rc::gen::inRange(0, 90);
    if (draw < 70) profile.add(cost_of(where, std::pow(10, -8 + draw / 10.)));
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
