// Whether the policies that a plan names are there.
#include "engine/program.h"

namespace tailrace::detail {
namespace {

void check(const Graph& graph, const GraphChoices& choices, const std::string& prefix, const PolicyCatalog& policies,
           Problems& problems) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const std::string where = path_of(prefix, node);
    const auto note = [&](const auto& policy) {
      if (policy) return;
      for (const Problem& p : policy.error().list()) problems.add(p.code, where, p.what);
    };
    if (node.kind == Kind::hedge) note(policies.hedge(policy_of(node, choices, i)));
    const StationSpec station = station_of(node, choices, i);
    if (station.batch && !station.policy.name.empty()) note(policies.batch(station.policy));
    for (std::size_t k = 0; k < node.arms.size(); ++k)
      check(*node.arms[k].graph, choices.arms[i][k], arm_path(where, k), policies, problems);
  }
}

}  // namespace

Problems check_policies(const Graph& graph, const GraphChoices& choices, const PolicyCatalog& policies) {
  Problems problems;
  check(graph, choices, {}, policies, problems);
  return problems;
}

}  // namespace tailrace::detail
