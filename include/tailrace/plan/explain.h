#pragma once
#include <string>

#include "tailrace/plan/graph.h"
#include "tailrace/plan/handles.h"

namespace tailrace {

// A graph as an indented list of its stages: what is computed. Ends in a newline.
std::string explain(const Graph& graph);

// A plan: the graph, how it will run (blocks, devices), each decision with its reason and what is expected of it. Every
// number says where it comes from; what nobody measured is printed as "unknown". The text is stable: same plan, same
// text.
std::string explain(const PlanData& plan);

template <class In, class Out>
std::string explain(const Flow<In, Out>& flow) {
  return explain(flow.graph());
}
template <class In, class Out>
std::string explain(const Plan<In, Out>& plan) {
  return explain(plan.data());
}

}  // namespace tailrace
