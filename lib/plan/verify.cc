#include "tailrace/plan/verify.h"

#include <set>
#include <utility>

#include "plan/verify_parts.h"

namespace tailrace {

namespace detail {

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

std::string mismatch(std::string_view taker, const Type& takes, const std::string& giver, const Type& gives) {
  return std::string(taker) + " " + display_name(takes) + ", but " + giver + " " + display_name(gives);
}

void Findings::add(Code code, const std::string& node, std::string what) const {
  const std::string where = path_of(prefix, node);
  problems.add(code, where.empty() ? flow : where, std::move(what));
}

bool is_stand_in(const Node& node) { return node.kind == Kind::then && node.inputs.empty() && !node.stage.take; }

namespace {

bool exists(const Graph& graph, int i) { return i >= 0 && static_cast<std::size_t>(i) < graph.nodes.size(); }

bool check_node_shape(const Graph& graph, int i, const Findings& found) {
  const Node& node = graph.at(i);
  if (!node.type) return found.add(Code::internal_error, node.name, "has no type"), false;
  if ((node.kind == Kind::input) != (i == 0))
    return found.add(Code::invalid_flow, node.name, i == 0 ? "the first node must be the input" : "is a second input"),
           false;
  for (int in : node.inputs)
    if (in < 0 || in >= i)
      return found.add(Code::invalid_flow, node.name,
                       "node " + std::to_string(i) + " reads node " + std::to_string(in) +
                           ", which does not stand before it"),
             false;
  for (const Arm& arm : node.arms)
    if (!arm.graph) return found.add(Code::internal_error, node.name, "has an arm without a graph"), false;
  return true;
}

}  // namespace

bool check_shape(const Graph& graph, const Findings& found) {
  if (graph.nodes.empty()) return found.add(Code::invalid_flow, {}, "has no input"), false;
  if (!exists(graph, graph.output))
    return found.add(Code::invalid_flow, {},
                     "its output is node " + std::to_string(graph.output) + ", which does not exist"),
           false;
  bool sound = true;
  for (int i = 0; exists(graph, i); ++i) sound = check_node_shape(graph, i, found) && sound;
  return sound;
}

void check_names(const Graph& graph, bool is_arm, const Findings& found) {
  std::set<std::string> seen, told;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (is_stand_in(node)) continue;
    if (node.name.empty()) {
      const bool lone = is_arm && graph.nodes.size() == 2 && node.kind == Kind::then;
      if (!lone) found.add(Code::invalid_flow, {}, "stage " + std::to_string(i) + " has no name");
    } else if (!seen.insert(node.name).second && told.insert(node.name).second) {
      found.add(Code::invalid_flow, node.name,
                node.name == "input"
                    ? "'input' is the name of the flow's own input; give this stage another one"
                    : "two stages have the name " + quoted(node.name) + "; names must differ within a flow");
    }
  }
}

namespace {

void check_inputs(const Graph& graph, const Node& node, const Findings& found) {
  const auto& takes = node.stage.takes;
  if (takes.size() != node.inputs.size())
    return found.add(Code::type_mismatch, node.name,
                     "its function takes " + std::to_string(takes.size()) + " values, but it reads " +
                         std::to_string(node.inputs.size()) + " streams");
  for (std::size_t k = 0; k < takes.size(); ++k) {
    const Node& from = graph.at(node.inputs[k]);
    if (!equal(*takes[k], *from.type))
      found.add(Code::type_mismatch, node.name,
                mismatch(takes.size() == 1 ? "takes" : "input " + std::to_string(k + 1) + " takes", *takes[k],
                         quoted(from.name) + " gives", *from.type));
  }
}

void check_stage(const Graph& graph, const Node& node, const Findings& found) {
  const Stage& stage = node.stage;
  if (!stage.take || !stage.gives) return found.add(Code::internal_error, node.name, "has no function");
  if (!equal(*stage.gives, *node.type))
    found.add(Code::type_mismatch, node.name,
              mismatch("its function gives", *stage.gives, "the stream is of", *node.type));
  check_inputs(graph, node, found);
}

}  // namespace

void check_edges(const Graph& graph, const Findings& found) {
  const auto readers = count_readers(graph);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (readers[i] == 0 && i != 0)
      found.add(Code::invalid_flow, node.name, "unused stream: nobody reads what it gives");
    const bool simple = node.kind == Kind::then || node.kind == Kind::join;
    if (simple && !is_stand_in(node)) check_stage(graph, node, found);
    if (!simple && i != 0 && node.inputs.size() != 1)
      found.add(Code::invalid_flow, node.name,
                "a " + std::string(name(node.kind)) + " reads one stream, not " + std::to_string(node.inputs.size()));
  }
}

}  // namespace detail

namespace {

struct Bounds {
  int depth = 64;
  std::size_t nodes = 65536;

  bool hold(const Graph& graph) {
    if (depth == 0 || graph.nodes.size() > nodes) return false;
    nodes -= graph.nodes.size();
    --depth;
    for (const auto& node : graph.nodes)
      for (const auto& arm : node.arms)
        if (arm.graph && !hold(*arm.graph)) return false;
    ++depth;
    return true;
  }
};

void verify_graph(const Graph& graph, const std::string& prefix, bool is_arm, Problems& problems, bool& sound) {
  const detail::Findings found{problems, prefix, graph.name};
  for (const auto& p : graph.problems.list()) found.add(p.code, p.where, p.what);
  if (!detail::check_shape(graph, found)) return void(sound = false);
  detail::check_names(graph, is_arm, found);
  detail::check_edges(graph, found);
  detail::check_kinds(graph, found);
  for (const auto& node : graph.nodes)
    for (std::size_t k = 0; k < node.arms.size(); ++k)
      verify_graph(*node.arms[k].graph, arm_path(path_of(prefix, node), k), true, problems, sound);
}

}  // namespace

bool within_bounds(const Graph& graph) { return Bounds{}.hold(graph); }

Problems verify(const Graph& graph) {
  Problems problems;
  if (!within_bounds(graph)) {
    problems.add(Code::unsupported, graph.name,
                 "is too large: at most 64 flows inside each other and 65536 stages in all");
    return problems;
  }
  bool sound = true;
  verify_graph(graph, {}, false, problems, sound);
  if (sound) detail::check_moves(graph, problems);
  return problems;
}

}  // namespace tailrace
