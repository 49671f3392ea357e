// Verifies the choices of a plan.
#include <set>

#include "tailrace/plan/verify.h"

namespace tailrace {

namespace {

void look_for_models(const Graph& graph, const std::string& prefix, Problems& problems) {
  for (const auto& node : graph.nodes) {
    const ModelUse& use = node.stage.model;
    const auto where = path_of(prefix, node);
    if (!use.name.empty() && !use.model)
      problems.add(Code::unknown_name, where,
                   "nobody said which model '" + use.name +
                       "' is: give optimise a Registry that knows the name, and do not leave out the pass 'variant'");
    for (std::size_t k = 0; k < node.arms.size(); ++k)
      if (node.arms[k].graph) look_for_models(*node.arms[k].graph, arm_path(where, k), problems);
  }
}

// Looks at choices. REQUIRES: the graph is sound.
class PlanCheck {
 public:
  explicit PlanCheck(Problems& problems) : problems_(problems) {}

  void look(const Graph& graph, const GraphChoices& choices, const std::string& prefix) {
    const auto count = graph.nodes.size();
    if (choices.group.size() != count || choices.device.size() != count || choices.fork.size() != count ||
        choices.arms.size() != count || (!choices.seconds.empty() && choices.seconds.size() != count) ||
        (!choices.hedge.empty() && choices.hedge.size() != count) ||
        (!choices.reserve.empty() && choices.reserve.size() != count) ||
        (!choices.batch.empty() && choices.batch.size() != count))
      return misfit(prefix.empty() ? graph.name : prefix,
                    "the choices are for another graph: they must be as many as stages");
    look_at_groups(graph, choices, prefix);
    for (std::size_t i = 0; i < count; ++i) look_at_node(graph.nodes[i], choices, i, prefix);
  }

 private:
  void misfit(const std::string& where, std::string what) { problems_.add(Code::invalid_flow, where, std::move(what)); }

  void look_at_groups(const Graph& graph, const GraphChoices& choices, const std::string& prefix) {
    std::set<int> closed;
    for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
      const int group = choices.group[i], before = choices.group[i - 1];
      if (group == before && (!simple(graph.nodes[i]) || !simple(graph.nodes[i - 1])))
        misfit(path_of(prefix, graph.nodes[i]), "only functions, models and joins can share a group");
      if (group == before) continue;
      closed.insert(before);
      if (closed.count(group))
        misfit(path_of(prefix, graph.nodes[i]),
               "group " + std::to_string(group) + " is torn: its stages must follow each other");
    }
  }
  static bool simple(const Node& node) { return node.kind == Kind::then || node.kind == Kind::join; }

  void look_at_node(const Node& node, const GraphChoices& choices, std::size_t i, const std::string& prefix) {
    const auto where = path_of(prefix, node);
    if (choices.fork[i] && node.kind != Kind::join) misfit(where, "only a join can fork");
    if (!choices.hedge.empty() && !choices.hedge[i].name.empty() && node.kind != Kind::hedge)
      misfit(where, "only a hedge has a hedging policy");
    if (!choices.reserve.empty() && choices.reserve[i] >= Duration{} && !is_anytime(node))
      misfit(where, "only a cascade has a cut-off, or a staged of which a stage gives an AnytimeExit");
    if (!choices.batch.empty() && choices.batch[i].use.max > 1 && !node.stage.together && !node.stage.station.batch)
      misfit(where, "only a model or a batch stage answers batches");
    if (choices.arms[i].size() != node.arms.size())
      return misfit(where, "the choices are for another graph: they must be as many as arms");
    for (std::size_t k = 0; k < node.arms.size(); ++k)
      look(*node.arms[k].graph, choices.arms[i][k], arm_path(where, k));
  }

  Problems& problems_;
};

}  // namespace

Problems verify(const PlanData& plan) {
  if (!plan.graph) return {Code::internal_error, "", "the plan has no graph"};
  Problems problems = verify(*plan.graph);
  const bool sound = problems.empty();
  if (within_bounds(*plan.graph)) look_for_models(*plan.graph, {}, problems);
  if (sound) PlanCheck(problems).look(*plan.graph, plan.choices.root, {});
  return problems;
}

}  // namespace tailrace
