#include "tailrace/opt/fuse.h"

namespace tailrace {

namespace {

bool simple(const Node& node) {
  return (node.kind == Kind::then || node.kind == Kind::join) && joins_blocks(node.stage);
}

bool same_block(const Graph& graph, const GraphChoices& choices, std::size_t i) {
  return simple(graph.nodes[i]) && simple(graph.nodes[i - 1]) && choices.device[i] == choices.device[i - 1];
}

void record(const Graph& graph, std::size_t first, std::size_t end, const std::string& prefix,
            std::vector<Decision>& decisions) {
  if (end - first < 2) return;
  Decision decision;
  decision.pass = "fuse";
  decision.where = path_of(prefix, graph.nodes[first]);
  for (std::size_t i = first; i < end; ++i) decision.what += (i == first ? "" : " + ") + graph.nodes[i].name;
  decision.what += " run as one block";
  decision.why = "a hand-over between them would cost, and fusing a straight line never does";
  decisions.push_back(std::move(decision));
}

void fuse_graph(const Graph& graph, GraphChoices& choices, const std::string& prefix,
                std::vector<Decision>& decisions) {
  const auto count = graph.nodes.size();
  std::size_t first = 0;
  for (std::size_t i = 1; i <= count; ++i) {
    if (i < count && same_block(graph, choices, i)) {
      choices.group[i] = choices.group[i - 1];
      continue;
    }
    record(graph, first, i, prefix, decisions);
    first = i;
    if (i < count) choices.group[i] = choices.group[i - 1] + 1;
  }
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t k = 0; k < graph.nodes[i].arms.size(); ++k)
      fuse_graph(*graph.nodes[i].arms[k].graph, choices.arms[i][k], arm_path(path_of(prefix, graph.nodes[i]), k),
                 decisions);
}

}  // namespace

Problems fuse(PlanData& plan, const OptimiseOptions&) {
  fuse_graph(*plan.graph, plan.choices.root, {}, plan.choices.decisions);
  return {};
}

}  // namespace tailrace
