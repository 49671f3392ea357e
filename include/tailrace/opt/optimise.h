#pragma once
#include <memory>
#include <utility>

#include "tailrace/opt/pass.h"
#include "tailrace/plan/handles.h"

namespace tailrace {

// Decides how a flow will run: a plan, or everything that is wrong with the flow and the options, all at once.
//
//   auto plan = tr::optimise(classify, {.models = models, .without = {"fuse"}});
//   if (plan) std::cout << tr::explain(*plan); else std::cerr << plan.error().what();
//
// Runs no stage. The same flow, options and registry give the same plan.
Built<PlanData> optimise(std::shared_ptr<const Graph> graph, const OptimiseOptions& options = {});

namespace detail {
// As above; keeps plain data out of what a user's file compiles.
Built<std::shared_ptr<const PlanData>> optimise_shared(const std::shared_ptr<const Graph>& graph);
Built<std::shared_ptr<const PlanData>> optimise_shared(const std::shared_ptr<const Graph>& graph,
                                                       const OptimiseOptions& options);
template <class In, class Out>
Built<Plan<In, Out>> typed_plan(Built<std::shared_ptr<const PlanData>> plan) {
  if (!plan) return std::move(plan).error();
  return Plan<In, Out>(*std::move(plan));
}
}  // namespace detail

template <class In, class Out>
Built<Plan<In, Out>> optimise(const Flow<In, Out>& flow) {
  return detail::typed_plan<In, Out>(detail::optimise_shared(flow.share()));
}
template <class In, class Out>
Built<Plan<In, Out>> optimise(const Flow<In, Out>& flow, const OptimiseOptions& options) {
  return detail::typed_plan<In, Out>(detail::optimise_shared(flow.share(), options));
}

}  // namespace tailrace
