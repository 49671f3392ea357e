#include "tailrace/opt/optimise.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "tailrace/opt/batch.h"
#include "tailrace/opt/cost.h"
#include "tailrace/opt/exit.h"
#include "tailrace/opt/fork.h"
#include "tailrace/opt/fuse.h"
#include "tailrace/opt/place.h"
#include "tailrace/opt/race.h"
#include "tailrace/opt/variant.h"
#include "tailrace/plan/verify.h"

namespace tailrace {

namespace {

constexpr std::array all_passes{
    Pass{"variant", PassKind::choice, variant, "first: what a model is decides where it can run and what it costs"},
    Pass{"place", PassKind::choice, place, "before fuse: only stages on one device can run as one block"},
    Pass{"cost", PassKind::rewrite, cost, "behind variant, whose cost it looks up; fork and fuse read what it finds"},
    Pass{"fork", PassKind::rewrite, fork, "before fuse: no block spans branches that run at the same time"},
    Pass{"exit", PassKind::choice, exits, "behind variant: what follows a cascade costs what its variants do"},
    Pass{"race", PassKind::choice, race, "before fuse: a hedge ends a block; behind all that looks stages up by path"},
    Pass{"batch", PassKind::choice, batch, "behind race: it leaves calls of hedges alone; before fuse: it ends blocks"},
    Pass{"fuse", PassKind::rewrite, fuse, "last: it draws the blocks from everything decided before"},
};

bool left_out(const Pass& pass, const OptimiseOptions& options) {
  return std::find(options.without.begin(), options.without.end(), pass.name) != options.without.end();
}

Problems unknown_passes(const OptimiseOptions& options) {
  std::vector<std::string> known;
  for (const auto& pass : passes()) known.emplace_back(pass.name);
  Problems problems;
  const auto look = [&](const char* where, const std::vector<std::string>& names) {
    for (const auto& name : names)
      if (std::find(known.begin(), known.end(), name) == known.end())
        problems.add(Code::unknown_name, where, "there is no pass '" + name + "'" + nearest_hint(name, known));
  };
  look("with", options.with);
  look("without", options.without);
  return problems;
}

// What the user must mend before any pass can run, and what `variant` would find, so that all of it comes at once.
Problems mistakes(const PlanData& plan, const OptimiseOptions& options) {
  Problems problems = unknown_passes(options);
  const bool resolves = !left_out(all_passes[0], options);
  Problems of_graph = resolves ? verify(*plan.graph) : verify(plan);
  const bool broken = !problems.empty() || !of_graph.empty();
  problems.add(std::move(of_graph));
  if (broken && resolves) {
    PlanData trial = plan;
    problems.add(variant(trial, options));
  }
  return problems;
}

}  // namespace

std::span<const Pass> passes() noexcept { return all_passes; }

Problems run_pass(const Pass& pass, PlanData& plan, const OptimiseOptions& options) {
  PassRecord record;
  record.name = pass.name;
  record.skipped = left_out(pass, options);
  if (record.skipped) return plan.choices.passes.push_back(std::move(record)), Problems();
  const auto begin = std::chrono::steady_clock::now();
  Problems problems = pass.run(plan, options);
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  plan.choices.passes.push_back(std::move(record));
  if (!problems.empty()) return problems;
  const Problems broken = verify(plan);
  for (const auto& p : broken.list())
    problems.add(Code::internal_error, p.where, "the pass '" + std::string(pass.name) + "' broke the plan: " + p.what);
  return problems;
}

Built<PlanData> optimise(std::shared_ptr<const Graph> graph, const OptimiseOptions& options) {
  if (!graph) return Problems(Code::bad_value, "optimise", "needs a flow, but was given none");
  PlanData plan;
  plan.graph = std::move(graph);
  if (!within_bounds(*plan.graph)) return verify(*plan.graph);
  plan.choices.root = default_choices(*plan.graph);
  if (Problems problems = mistakes(plan, options); !problems.empty()) return problems;
  for (const auto& pass : passes())
    if (Problems problems = run_pass(pass, plan, options); !problems.empty()) return problems;
  return plan;
}

namespace detail {

using SharedPlan = std::shared_ptr<const PlanData>;

Built<SharedPlan> optimise_shared(const std::shared_ptr<const Graph>& graph, const OptimiseOptions& options) {
  Built<PlanData> plan = optimise(graph, options);
  if (!plan) return std::move(plan).error();
  return SharedPlan(std::make_shared<const PlanData>(*std::move(plan)));
}
Built<SharedPlan> optimise_shared(const std::shared_ptr<const Graph>& graph) { return optimise_shared(graph, {}); }

}  // namespace detail

}  // namespace tailrace
