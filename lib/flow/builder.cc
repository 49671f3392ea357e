// Writes graphs for the typed front end: everything about building a flow that needs no template.
#include <algorithm>

#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/flow/stream.h"

namespace tailrace::detail {

namespace {

// What an Edge's graph really is. Once finished, only names and types stay, for messages about streams that outlived
// their flow.
struct Draft : Graph {
  bool finished = false;
  std::vector<int> taken_elsewhere;  // nodes that another flow tried to read: reported there
};

Draft& draft_of(const Edge& edge) { return static_cast<Draft&>(*edge.graph); }
const Node& node_of(const Edge& edge) { return edge.graph->at(edge.node); }

Edge append(const Edge& home, Node node) {
  Draft& draft = draft_of(home);
  if (draft.finished) {
    Node shell;
    shell.name = std::move(node.name);
    shell.type = node.type;
    node = std::move(shell);
  }
  draft.nodes.push_back(std::move(node));
  return {home.graph, static_cast<int>(draft.nodes.size()) - 1};
}

std::string in_words(const Edge& stream) {
  const std::string flow = "flow '" + stream.graph->name + "'";
  if (stream.node == 0) return "the input of " + flow;
  return "stage '" + node_of(stream).name + "' of " + flow;
}

// Records that `stream` of another flow was used in this one, and gives a node without inputs or function in its
// place: it carries the right type, so that no further mistake is reported because of it.
int stand_in(const Edge& home, const Edge& stream, const std::string& where, const std::string& use) {
  Draft& other = draft_of(stream);
  const std::string why = other.finished
                              ? "that flow is finished already"
                              : "a flow, also one that is an arm, sees only its own input and what is made from it";
  home.graph->problems.add(Code::invalid_flow, where,
                           use + " " + in_words(stream) + ", but this is flow '" + home.graph->name + "': " + why +
                               "; give it the value through its own input (join the two streams first) or add that "
                               "stage inside this flow");
  other.taken_elsewhere.push_back(stream.node);
  Node node;
  node.kind = Kind::then;
  node.name = in_words(stream);
  node.type = node_of(stream).type;
  return append(home, std::move(node)).node;
}

// The flow a node over several streams belongs to: the first that is still being written.
const Edge& home_of(const Edge* ins, std::size_t count) {
  const Edge* found = std::find_if(ins, ins + count, [](const Edge& e) { return !draft_of(e).finished; });
  return found == ins + count ? *ins : *found;
}

}  // namespace

Edge begin_flow(std::string_view name, const Type& input) {
  auto draft = std::make_shared<Draft>();
  draft->name = name;
  Node node;
  node.name = "input";
  node.type = &input;
  draft->nodes.push_back(std::move(node));
  return {std::move(draft), 0};
}

std::shared_ptr<const Graph> finish_flow(const Edge& begin, const Edge& output) {
  Draft& draft = draft_of(begin);
  draft.output = output.graph == begin.graph ? output.node : stand_in(begin, output, {}, "its output is");
  std::vector<Node> shells;
  for (const auto& node : draft.nodes) {
    auto& shell = shells.emplace_back();
    shell.name = node.name;
    shell.type = node.type;
  }
  auto graph = std::make_shared<const Graph>(in_order(static_cast<Graph&&>(draft), draft.taken_elsewhere));
  draft.name = graph->name;
  draft.nodes = std::move(shells);
  draft.output = 0;
  draft.problems = {};
  draft.finished = true;
  return graph;
}

Edge add_stage(const Edge& in, std::string_view name, Stage stage) {
  Node node;
  node.kind = Kind::then;
  node.name = name;
  node.type = stage.gives;
  node.inputs = {in.node};
  if (stage.function.empty() && stage.model.name.empty()) stage.function = name;
  node.stage = std::move(stage);
  return append(in, std::move(node));
}

Edge add_flow(const Edge& in, std::string_view name, const Graph& flow) {
  const std::string prefix(name);
  for (const auto& p : flow.problems.list()) in.graph->problems.add(p.code, path_of(prefix, p.where), p.what);
  std::vector<Edge> at{in};
  for (std::size_t i = 1; i < flow.nodes.size(); ++i) {
    Node node = flow.nodes[i];
    node.name = path_of(prefix, node.name);
    for (int& input : node.inputs) input = at[static_cast<std::size_t>(input)].node;
    at.push_back(append(in, std::move(node)));
  }
  return at[static_cast<std::size_t>(flow.output)];
}

Edge add_join(const Edge* ins, std::size_t count, std::string_view name, Stage stage) {
  const Edge& home = home_of(ins, count);
  Node node;
  node.kind = Kind::join;
  node.name = name;
  node.type = stage.gives;
  for (std::size_t k = 0; k < count; ++k)
    node.inputs.push_back(ins[k].graph == home.graph
                              ? ins[k].node
                              : stand_in(home, ins[k], node.name, "stream " + std::to_string(k + 1) + " is"));
  if (stage.function.empty()) stage.function = name;
  node.stage = std::move(stage);
  return append(home, std::move(node));
}

Edge add_arms(const Edge& in, ArmsNode arms_node, Arm* arms, std::size_t count) {
  Node node;
  node.kind = arms_node.kind;
  node.name = arms_node.name;
  node.type = arms_node.each_out ? arms_node.each_out->whole : arms_node.type;
  node.inputs = {in.node};
  node.test = std::move(arms_node.test);
  node.each_in = arms_node.each_in;
  node.each_out = arms_node.each_out;
  node.agree = arms_node.agree;
  node.equality = arms_node.equality;
  node.policy = std::move(arms_node.policy);
  node.fallback = arms_node.fallback;
  node.reserve = arms_node.reserve;
  node.arms.assign(std::make_move_iterator(arms), std::make_move_iterator(arms + count));
  return append(in, std::move(node));
}

}  // namespace tailrace::detail
