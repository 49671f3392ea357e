#include "tailrace/plan/choices.h"

#include "tailrace/plan/graph.h"

namespace tailrace {

GraphChoices default_choices(const Graph& graph) {
  const auto count = graph.nodes.size();
  GraphChoices choices;
  choices.device.resize(count);
  choices.fork.resize(count);
  choices.arms.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    choices.group.push_back(static_cast<int>(i));
    for (const auto& arm : graph.nodes[i].arms)
      choices.arms[i].push_back(arm.graph ? default_choices(*arm.graph) : GraphChoices());
  }
  return choices;
}

const PolicyUse& policy_of(const Node& hedge, const GraphChoices& choices, std::size_t i) {
  return choices.hedge.empty() || choices.hedge[i].name.empty() ? hedge.policy : choices.hedge[i];
}

StationSpec station_of(const Node& node, const GraphChoices& choices, std::size_t i) {
  if (choices.batch.empty() || choices.batch[i].use.max == 0) return node.stage.station;
  return with_batches(node.stage, choices.batch[i].use, choices.batch[i].times);
}

std::optional<Duration> reserve_of(const Node& node, const GraphChoices& choices, std::size_t i) {
  if (node.reserve || choices.reserve.empty() || choices.reserve[i] < Duration{}) return node.reserve;
  return choices.reserve[i];
}

}  // namespace tailrace
