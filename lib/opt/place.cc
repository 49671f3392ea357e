#include "tailrace/opt/place.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "opt/placement.h"
#include "tailrace/core/words.h"
#include "tailrace/plan/model_stage.h"

namespace tailrace {

namespace {

using detail::Placement;
using detail::Placing;
using detail::Seat;
using detail::Site;

void place_all(GraphChoices& choices, Device device) {
  for (auto& d : choices.device) d = device;
  for (auto& arms : choices.arms)
    for (auto& arm : arms) place_all(arm, device);
}

// Gives models their networks on the chosen devices. Graphs are shared and const: those that change are copied.
class Binder {
 public:
  Binder(const Placing& placing, const Placement& p) {
    for (std::size_t s = 0; s < placing.sites().size(); ++s) {
      const Seat& seat = placing.seat(p, s);
      auto model = placing.keeps(p, s) ? seat.model->keeping_outputs() : seat.model;
      const Node* node = placing.sites()[s].node;
      if (model != node->stage.model.model) models_[node] = std::move(model);
    }
  }
  std::shared_ptr<const Graph> bind(const std::shared_ptr<const Graph>& graph) const {
    std::shared_ptr<Graph> copy;
    const auto changed = [&](std::size_t i) -> Node& {
      if (!copy) copy = std::make_shared<Graph>(*graph);
      return copy->nodes[i];
    };
    for (std::size_t i = 0; i < graph->nodes.size(); ++i) {
      const Node& node = graph->nodes[i];
      if (const auto found = models_.find(&node); found != models_.end())
        detail::serve(changed(i).stage, found->second, node.stage.model.variant);
      for (std::size_t k = 0; k < node.arms.size(); ++k)
        if (auto arm = bind(node.arms[k].graph); arm != node.arms[k].graph) changed(i).arms[k].graph = arm;
    }
    if (copy) return copy;
    return graph;
  }

 private:
  std::map<const Node*, std::shared_ptr<const Model>> models_;
};

std::string times_in_words(const Placing& placing, const Placement& p, std::size_t s) {
  const Seat& seat = placing.seat(p, s);
  const unsigned copies = placing.copies(p, s);
  const double own = std::max(0., seat.seconds), all = placing.seconds_of(p, s);
  if (seat.seconds < 0) return "what it takes on " + name(seat.device) + " is unknown";
  if (seat.device == Device{}) return fmt::format("{} on cpu", time_in_words(own));
  return fmt::format("{} on {} with {} cop{}", time_in_words(all), name(seat.device), copies,
                     copies == 1 ? "y" : "ies");
}

// What is told of one model.
Decision decision_of(const Placing& placing, const Placement& p, std::size_t s) {
  const Site& site = placing.sites()[s];
  const Seat& seat = placing.seat(p, s);
  Decision d;
  d.pass = "place";
  d.where = site.where;
  const ModelUse& use = site.node->stage.model;
  d.what = fmt::format("model {}{} runs on {}", use.name, use.variant.empty() ? "" : ", variant " + use.variant,
                       name(seat.device));
  std::vector<std::string> others;
  for (std::size_t k = 0; k < site.seats.size(); ++k) {
    if (k == p[s]) continue;
    Placement other = p;
    other[s] = k;
    if (auto why = placing.unknown(site.seats[k]); !why.empty()) others.push_back(why);
    else if (!placing.fits(other)) others.push_back("there is no room for it on " + name(site.seats[k].device));
    else others.push_back(times_in_words(placing, other, s));
  }
  if (use.need.device) d.why = "as asked";
  else d.why = times_in_words(placing, p, s) + ", but " + fmt::format("{}", fmt::join(others, ", "));
  if (placing.keeps(p, s)) d.why += "; its output stays there";
  d.unit = "s";
  d.source = "profile";
  d.expected = placing.unknown(seat).empty() ? placing.seconds_of(p, s) : -1;
  return d;
}

Decision total(const std::string& flow, const Placing& placing, const Placement& p) {
  unsigned copies = 0, away = 0;
  for (std::size_t s = 0; s < p.size(); ++s) {
    copies += placing.copies(p, s);
    away += placing.seat(p, s).device != Device{};
  }
  Decision d;
  d.pass = "place";
  d.where = flow;
  d.what = fmt::format("{} of {} models on other devices than the CPU, {} copies", away, p.size(), copies);
  d.why = "functions run on the CPU, and a model where requests are through first";
  return d;
}

}  // namespace

Problems place(PlanData& plan, const OptimiseOptions& options) {
  const Device device{};
  place_all(plan.choices.root, device);
  const Placing placing(plan, plan.choices.root, options);
  if (!placing.problems().empty()) return placing.problems();
  if (!placing.any_choice()) {
    Decision decision;
    decision.pass = "place";
    decision.where = plan.graph->name;
    decision.what = "every stage on " + name(device);
    decision.why = "no stage and no model asks for another device";
    plan.choices.decisions.push_back(std::move(decision));
    return {};
  }
  const Placement p = placing.best();
  if (!placing.fits(p))
    return Problems(Code::bad_value, plan.graph->name,
                    "the models that must run on a device do not fit into its memory together");
  plan.choices.decisions.push_back(total(plan.graph->name, placing, p));
  for (std::size_t s = 0; s < p.size(); ++s) {
    const Site& site = placing.sites()[s];
    site.choices->device[site.index] = placing.seat(p, s).device;
    if (site.seats.size() > 1 || site.node->stage.model.need.device || placing.seat(p, s).device != device)
      plan.choices.decisions.push_back(decision_of(placing, p, s));
  }
  plan.graph = Binder(placing, p).bind(plan.graph);
  return {};
}

Moving worth_moving(const PlanData& plan, const OptimiseOptions& options, double gain) {
  GraphChoices root = plan.choices.root;
  const Placing placing(plan, root, options);
  const Placement now = placing.as_chosen(), then = placing.best();
  Moving moving;
  moving.now = placing.seconds(now);
  moving.then = placing.seconds(then);
  moving.worth = placing.problems().empty() && placing.fits(then) && moving.then < moving.now * (1 - gain);
  return moving;
}

namespace {

void count(const Graph& graph, const GraphChoices& choices, Copies& copies) {
  const Device cpu{};
  for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    for (std::size_t k = 0; k < node.arms.size(); ++k) count(*node.arms[k].graph, choices.arms[i][k], copies);
    const Device here = choices.device[i];
    if (here == cpu) continue;
    // Kept by its source: all that read that one are here.
    const auto kept = [&](std::size_t source) {
      if (choices.device[source] == cpu || static_cast<int>(source) == graph.output) return false;
      if (!equal(*graph.nodes[source].type, type_of<Tensor>)) return false;
      const auto& model = graph.nodes[source].stage.model.model;
      if (!model || !model->keeping_outputs()) return false;
      for (std::size_t r = 1; r < graph.nodes.size(); ++r)
        for (const int in : graph.nodes[r].inputs)
          if (in == static_cast<int>(source) && choices.device[r] != choices.device[source]) return false;
      return true;
    };
    copies.to_devices += !kept(static_cast<std::size_t>(node.inputs.front()));
    copies.from_devices += !kept(i);
  }
}

}  // namespace

Copies copies_of(const PlanData& plan) {
  Copies copies;
  count(*plan.graph, plan.choices.root, copies);
  return copies;
}

}  // namespace tailrace
