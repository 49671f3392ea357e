#include "tailrace/plan/moves.h"

#include <algorithm>

namespace tailrace {

namespace {

bool takes(const Node& node, const std::vector<int>& readers, bool input_movable) {
  return std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](int in) { return readers[static_cast<std::size_t>(in)] == 1 && (in != 0 || input_movable); });
}

// An earlier rung has let go of the cascade's input when nothing of it runs and its answer is another value.
bool has_let_go(const Arm& rung) { return rung.graph->output != 0 && !may_leave_running(*rung.graph); }

bool arm_may_have_it(const Node& node, std::size_t arm, bool node_may_take) {
  switch (node.kind) {
    case Kind::each: return true;
    case Kind::choose: return node_may_take;
    case Kind::staged: return node_may_take || arm > 0;  // a carry has no other reader
    case Kind::cascade:
      return node_may_take && arm + 1 == node.arms.size() &&
             std::all_of(node.arms.begin(), node.arms.end() - 1, has_let_go);
    case Kind::input:
    case Kind::then:
    case Kind::join:
    case Kind::race:
    case Kind::quorum:
    case Kind::hedge: return false;
  }
  return false;
}

}  // namespace

bool may_leave_running(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) {
    switch (node.kind) {
      case Kind::input: return false;
      case Kind::then: return node.stage.asynchronous;
      case Kind::join:
      case Kind::race:
      case Kind::quorum:
      case Kind::hedge:
      case Kind::cascade:
      case Kind::each: return true;
      case Kind::staged:
      case Kind::choose:
        return std::any_of(node.arms.begin(), node.arms.end(),
                           [](const Arm& a) { return may_leave_running(*a.graph); });
    }
    return true;
  });
}

Moves find_moves(const Graph& graph, bool input_movable) {
  const auto readers = count_readers(graph);
  Moves moves;
  for (const auto& node : graph.nodes) {
    const bool may = takes(node, readers, input_movable);
    moves.may_take.push_back(may);
    auto& arms = moves.arm_input_movable.emplace_back();
    for (std::size_t k = 0; k < node.arms.size(); ++k) arms.push_back(arm_may_have_it(node, k, may));
  }
  return moves;
}

bool may_take(const Graph& graph, int node, bool input_movable) {
  return takes(graph.at(node), count_readers(graph), input_movable);
}

bool arm_input_movable(const Graph& graph, int node, std::size_t arm, bool input_movable) {
  return arm_may_have_it(graph.at(node), arm, may_take(graph, node, input_movable));
}

}  // namespace tailrace
