#include "tailrace/opt/exit.h"

#include <fmt/format.h>

#include <chrono>

namespace tailrace {

namespace {

// What runs behind one node.
struct Rest {
  double seconds = 0;
  std::string unknown;  // the first stage that nothing is known of
};

Rest behind(const Graph& graph, std::size_t node, const Profile& profile) {
  Rest rest;
  for (std::size_t i = node + 1; i < graph.nodes.size(); ++i) {
    const std::string where = path_of({}, graph.nodes[i]);
    const Cost* cost = profile.find(where, graph.nodes[i].stage.model.variant);
    if (cost && cost->time.known()) rest.seconds += cost->time.p99;
    else if (rest.unknown.empty()) rest.unknown = where;
  }
  return rest;
}

Decision decide(const Node& node, const Rest& rest, Duration& reserve) {
  Decision d;
  d.pass = "exit";
  d.where = path_of({}, node);
  if (node.reserve) {
    const double seconds = to_seconds(*node.reserve);
    d.what = fmt::format("cut off {} before a request's deadline", time_in_words(seconds));
    d.why = "the flow says so";
  } else if (!rest.unknown.empty()) {
    d.what = "no cut-off before a request's deadline";
    d.why = "nothing is known of what " + rest.unknown + " takes";
  } else {
    reserve = std::chrono::ceil<Duration>(std::chrono::duration<double>(rest.seconds));
    d.what = "cut off before a request's deadline by what follows it";
    d.why = "99 of 100 calls of each stage behind it take no longer";
    d.expected = rest.seconds;
    d.unit = "s";
    d.source = "profile";
  }
  return d;
}

}  // namespace

Problems exits(PlanData& plan, const OptimiseOptions& options) {
  if (options.profile.empty()) return {};
  const Graph& graph = *plan.graph;
  auto& reserve = plan.choices.root.reserve;
  reserve.assign(graph.nodes.size(), Duration{-1});
  for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!is_anytime(node) || (static_cast<int>(i) == graph.output && !node.reserve)) continue;
    plan.choices.decisions.push_back(decide(node, behind(graph, i, options.profile), reserve[i]));
  }
  return {};
}

}  // namespace tailrace
