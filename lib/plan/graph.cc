#include "tailrace/plan/graph.h"

#include <algorithm>

namespace tailrace {

std::string_view name(Kind kind) noexcept {
  switch (kind) {
    case Kind::input: return "input";
    case Kind::then: return "then";
    case Kind::join: return "join";
    case Kind::race: return "race";
    case Kind::quorum: return "quorum";
    case Kind::hedge: return "hedge";
    case Kind::cascade: return "cascade";
    case Kind::staged: return "staged";
    case Kind::choose: return "choose";
    case Kind::each: return "each";
  }
  return "unknown";
}

std::string path_of(const std::string& prefix, const std::string& name) {
  if (prefix.empty()) return name;
  return name.empty() ? prefix : prefix + "." + name;
}
std::string path_of(const std::string& prefix, const Node& node) { return path_of(prefix, node.name); }
std::string arm_path(const std::string& node_path, std::size_t arm) {
  return node_path + "[" + std::to_string(arm) + "]";
}

bool is_anytime(const Node& node) noexcept {
  if (node.kind == Kind::cascade) return true;
  return node.kind == Kind::staged && std::any_of(node.arms.begin(), node.arms.end(), [](const Arm& stage) {
           return stage.exit_ops && stage.exit_ops->has_answer;
         });
}

std::vector<int> count_readers(const Graph& graph) {
  std::vector<int> readers(graph.nodes.size(), 0);
  for (const auto& node : graph.nodes)
    for (int in : node.inputs) ++readers[static_cast<std::size_t>(in)];
  ++readers[static_cast<std::size_t>(graph.output)];
  return readers;
}

namespace detail {

Arm arm_of(const std::shared_ptr<const Graph>& flow) { return {flow->name, flow, {}, nullptr}; }

Arm arm_of(Stage stage) {
  auto graph = std::make_shared<Graph>();
  Node input, then;
  input.name = "input";
  input.type = stage.takes.front();
  then.kind = Kind::then;
  then.type = stage.gives;
  then.inputs = {0};
  Arm arm;
  arm.name = stage.model.name.empty() ? stage.function : stage.model.name;
  then.stage = std::move(stage);
  graph->nodes.push_back(std::move(input));
  graph->nodes.push_back(std::move(then));
  graph->output = 1;
  arm.graph = std::move(graph);
  return arm;
}

}  // namespace detail

// ---- in_order

namespace {

// Lays nodes out behind those they read, with a stack of its own: chains may be long.
class Layout {
 public:
  explicit Layout(Graph& graph) : graph_(graph), place_(graph.nodes.size(), unseen) {}

  // Old numbers in their new order.
  std::vector<int> order() {
    put(0);
    if (place_[index(graph_.output)] == unseen) visit(graph_.output);
    return std::move(order_);
  }
  int place(int old) const { return place_[index(old)]; }
  bool placed(int old) const { return place(old) >= 0; }

 private:
  static constexpr int unseen = -1, open = -2;
  struct Step {
    int node;
    std::size_t next_input;
  };
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  void put(int node) {
    place_[index(node)] = static_cast<int>(order_.size());
    order_.push_back(node);
  }
  void visit(int from) {
    std::vector<Step> stack{{from, 0}};
    place_[index(from)] = open;
    while (!stack.empty()) {
      Step& top = stack.back();
      auto& inputs = graph_.nodes[index(top.node)].inputs;
      if (top.next_input == inputs.size()) {
        put(top.node);
        stack.pop_back();
      } else {
        const int in = checked(top.node, inputs[top.next_input++]);
        if (place_[index(in)] != unseen) continue;
        place_[index(in)] = open;
        stack.push_back({in, 0});
      }
    }
  }
  // The input; where it cannot be one, the flow's own, and a problem.
  int checked(int node, int& in) {
    const auto& name = graph_.at(node).name;
    if (in < 0 || index(in) >= graph_.nodes.size()) {
      graph_.problems.add(Code::internal_error, name, "reads node " + std::to_string(in) + ", which does not exist");
      in = 0;
    } else if (place_[index(in)] == open) {
      graph_.problems.add(Code::invalid_flow, name,
                          "reads '" + graph_.at(in).name + "', which itself waits for '" + name +
                              "': streams must not go round in a circle");
      in = 0;
    }
    return in;
  }

  Graph& graph_;
  std::vector<int> place_;  // by old number
  std::vector<int> order_;
};

// Records nodes that lead nowhere, and what was wrong inside them, since they are dropped.
void record_unused(Graph& graph, const Layout& layout, std::span<const int> excused) {
  std::vector<bool> read(graph.nodes.size(), false);
  for (const auto& node : graph.nodes)
    for (int in : node.inputs) read[static_cast<std::size_t>(in)] = true;
  for (int i = 0; static_cast<std::size_t>(i) < graph.nodes.size(); ++i) {
    if (layout.placed(i)) continue;
    const Node& node = graph.at(i);
    if (!read[static_cast<std::size_t>(i)] && std::find(excused.begin(), excused.end(), i) == excused.end())
      graph.problems.add(Code::invalid_flow, node.name,
                         "unused stream: nobody reads what '" + node.name +
                             "' gives; return it, let another stage read it, or remove the stage");
    for (std::size_t k = 0; k < node.arms.size(); ++k)
      for (const auto& p : node.arms[k].graph->problems.list())
        graph.problems.add(p.code, path_of(arm_path(node.name, k), p.where), p.what);
  }
}

// Nodes that lead nowhere may hold numbers that do not exist; nobody will look at them again.
void mend_inputs(Graph& graph) {
  const auto count = static_cast<int>(graph.nodes.size());
  for (auto& node : graph.nodes)
    for (int& in : node.inputs)
      if (in < 0 || in >= count) in = 0;
}

}  // namespace

Graph in_order(Graph graph, std::span<const int> excused) {
  Layout layout(graph);
  const auto order = layout.order();
  mend_inputs(graph);
  record_unused(graph, layout, excused);
  Graph out;
  out.name = std::move(graph.name);
  out.problems = std::move(graph.problems);
  out.output = layout.place(graph.output);
  out.nodes.reserve(order.size());
  for (int old : order) {
    auto& node = out.nodes.emplace_back(std::move(graph.nodes[static_cast<std::size_t>(old)]));
    for (int& in : node.inputs) in = layout.place(in);
  }
  return out;
}

}  // namespace tailrace
