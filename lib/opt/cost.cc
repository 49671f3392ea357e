#include "tailrace/opt/cost.h"

#include <fmt/format.h>

#include "tailrace/opt/place.h"

namespace tailrace {

namespace {

// Looks up every node of a plan.
class Accountant {
 public:
  Accountant(const Profile& profile, const Registry& models) : profile_(profile), models_(models) {}

  void graph(const Graph& graph, GraphChoices& choices, const std::string& prefix) {
    choices.seconds.assign(graph.nodes.size(), 0);
    for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      const std::string where = path_of(prefix, node);
      choices.seconds[i] = choices.device[i] == Device{} ? seconds_at(where, node.stage.model.variant)
                                                         : seconds_on(choices.device[i], where, node.stage.model);
      for (std::size_t k = 0; k < node.arms.size(); ++k)
        this->graph(*node.arms[k].graph, choices.arms[i][k], arm_path(where, k));
    }
  }

  // What was found, for people; `flow` is the name of the whole.
  void record(const std::string& flow, std::vector<Decision>& decisions) const {
    const Measured& m = profile_.measured;
    Decision all;
    all.pass = "cost";
    all.where = flow;
    all.what = fmt::format("{} of {} stages and combinators have a cost", looked_ - unknown_.size(), looked_);
    all.why = fmt::format("measured{}{}{}{}", m.date.empty() ? "" : " on " + m.date,
                          m.machine.empty() ? "" : ", " + m.machine, m.compiler.empty() ? "" : ", " + m.compiler,
                          m.threads ? fmt::format(", {} threads", m.threads) : "");
    all.unit = "s";
    all.source = "profile";
    const Cost* whole = profile_.find({});
    all.expected = whole && whole->time.known() ? whole->time.expected() : -1;
    decisions.push_back(std::move(all));
    list(unknown_, "nothing is known of it", "it was not measured, at this place and with this variant", decisions);
    list(unsteady_, "what is known of it is not certain", "the rounds in which it was measured differ much", decisions);
  }

 private:
  double seconds_at(const std::string& where, const std::string& variant) {
    ++looked_;
    const Cost* cost = profile_.find(where, variant);
    if (!cost || !cost->time.known()) return unknown_.push_back(where), -1;
    if (!cost->time.steady()) unsteady_.push_back(where);
    return cost->time.expected();
  }
  // Elsewhere than on the CPU, where profiles of flows are measured.
  double seconds_on(Device device, const std::string& where, const ModelUse& use) {
    ++looked_;
    const double seconds = detail::placed_seconds(models_, use, device);
    if (seconds < 0) unknown_.push_back(where);
    return seconds;
  }
  static void list(const std::vector<std::string>& places, const char* what, const char* why,
                   std::vector<Decision>& decisions) {
    for (const auto& place : places) {
      Decision d;
      d.pass = "cost";
      d.where = place;
      d.what = what;
      d.why = why;
      decisions.push_back(std::move(d));
    }
  }

  const Profile& profile_;
  const Registry& models_;
  std::size_t looked_ = 0;
  std::vector<std::string> unknown_, unsteady_;
};

}  // namespace

Problems cost(PlanData& plan, const OptimiseOptions& options) {
  if (options.profile.empty()) return {};
  Accountant accountant(options.profile, options.models);
  accountant.graph(*plan.graph, plan.choices.root, {});
  accountant.record(plan.graph->name, plan.choices.decisions);
  return {};
}

}  // namespace tailrace
