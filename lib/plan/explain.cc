// What a graph computes, as text.
#include "tailrace/plan/explain.h"

#include <fmt/format.h>

#include "plan/explain_text.h"
#include "tailrace/plan/profile.h"
#include "tailrace/plan/verify.h"

namespace tailrace {

namespace detail {

namespace {

std::string sources(const Graph& graph, const Node& node) {
  std::vector<std::string> names;
  for (int in : node.inputs) names.push_back(graph.at(in).name);
  return names.empty() ? "nothing" : list_of(names, ", ");
}

std::string reserve(const Node& node) {
  return node.reserve ? ", reserve " + time_in_words(to_seconds(*node.reserve)) : "";
}

std::string rule(const Node& node) {
  switch (node.kind) {
    case Kind::input: return {};
    case Kind::then:
    case Kind::join: return in_words(node.stage);
    case Kind::race: return node.test ? "first answer that is " + in_words(node.test, "valid") : "first answer";
    case Kind::quorum: return fmt::format("answer that {} of {} arms agree on", node.agree, node.arms.size());
    case Kind::hedge:
      return std::string("first answer of a call and, where the policy wants one, a second call") +
             (node.arms.size() > 1 ? " of another kind" : "");
    case Kind::cascade:
      return std::string("first rung whose exit test holds, else the last") + (node.fallback ? "" : ", no fallback") +
             reserve(node);
    case Kind::staged: return "first stage that leaves, else the last" + reserve(node);
    case Kind::choose: return "the arm that " + in_words(node.test, "its selector") + " names";
    case Kind::each:
      return node.each_out && node.each_out->keeps_errors ? "each element by itself, errors kept"
                                                          : "each element by itself";
  }
  return {};
}

std::string flags(const Stage& stage) {
  std::string text;
  if (stage.quick) text += ", quick";
  if (stage.replicable && stage.model.name.empty()) text += ", replicable";
  if (stage.asynchronous) text += ", answers later";
  const StationSpec& s = stage.station;
  if (s.state) text += s.per_stream ? ", a state for each stream" : ", stateful";
  if (s.batch) text += fmt::format(", batches of up to {}", s.max_batch);
  if (s.limit == 1 && !s.per_stream) text += ", one call at a time";
  if (s.limit > 1) text += fmt::format(", {} calls at a time", s.limit);
  return text;
}

std::string flow_in_words(const Graph& flow) {
  return "flow " + name_or(flow.name, "without a name") + (flow.output == 0 ? ", which gives its input on" : "");
}

const char* word_for_arm(Kind kind) {
  switch (kind) {
    case Kind::cascade: return "rung";
    case Kind::staged: return "stage";
    case Kind::each: return "element";
    case Kind::hedge: return "call";
    case Kind::input:
    case Kind::then:
    case Kind::join:
    case Kind::race:
    case Kind::quorum:
    case Kind::choose: break;
  }
  return "arm";
}

class GraphText {
 public:
  explicit GraphText(Table& table) : table_(table) {}

  void stages(const Graph& graph, std::size_t indent) {
    for (const auto& node : graph.nodes) {
      if (node.kind == Kind::input) continue;
      table_.row(indent, {name_or(node.name, "(no name)"), std::string(name(node.kind)), sources(graph, node),
                          rule(node) + flags(node.stage) + " -> " + display_name(*node.type)});
      for (std::size_t k = 0; k < node.arms.size(); ++k) arm(node, k, indent + 2);
    }
  }

 private:
  void arm(const Node& node, std::size_t k, std::size_t indent) {
    const Arm& a = node.arms[k];
    const Node* lone = lone_stage(*a.graph);
    std::string what = lone ? in_words(lone->stage) + flags(lone->stage) : flow_in_words(*a.graph);
    if (a.exit) what += "; exit if " + in_words(a.exit, "its test holds");
    if (a.exit_ops) what += "; leaves, or goes on with " + display_name(*a.exit_ops->carry);
    if (a.exit_ops && a.exit_ops->has_answer) what += " and perhaps an answer";
    table_.row(indent, {fmt::format("[{}]", k), word_for_arm(node.kind), "", what});
    if (!lone) stages(*a.graph, indent + 2);
  }

  Table& table_;
};

}  // namespace

void write_flow_line(Page& page, const Graph& graph) {
  page.line(fmt::format("flow {}: {}", name_or(graph.name, "without a name"), ends_of(graph)), 4);
}

void write_stages(Page& page, const Graph& graph) {
  if (graph.nodes.size() == 1) return page.line("  no stages: the answer is the input", 4);
  Table table;
  table.row(2, {"stage", "kind", "reads", "does -> gives"});
  GraphText(table).stages(graph, 2);
  table.write(page);
}

}  // namespace detail

std::string explain(const Graph& graph) {
  if (graph.nodes.empty() || !within_bounds(graph)) return "a flow that is empty or too large to be explained\n";
  detail::Page page;
  detail::write_flow_line(page, graph);
  detail::write_stages(page, graph);
  return page.take();
}

}  // namespace tailrace
