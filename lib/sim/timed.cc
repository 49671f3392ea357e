#include "tailrace/sim/timed.h"

#include <algorithm>
#include <new>
#include <set>
#include <utility>

#include "tailrace/plan/verify.h"

namespace tailrace::detail {
namespace {

// ---- the stage that takes the time

// A value waits in the slot that it is read from: nobody else reads it.
class Passage {
 public:
  Passage(std::string where, const Type& type, ServiceTime time)
      : where_(std::move(where)), type_(type), time_(std::move(time)), calls_(time_.options) {}

  static void begin(const Instruction& i, char* frame) {
    const auto& passage = *static_cast<const Passage*>(i.context);
    auto& call = passage.calls_.take();
    const Pending pending = head_of(frame).begin(frame, i.inputs[1]);
    call.payload.emplace(Payload{pending, frame + i.in, &passage.type_});
    CallFacts about = pending.ops->about(pending);
    about.where = passage.where_;
    passage.calls_.begin(call, about, passage.time_.draw(about), passage.time_.options.looks_every);
  }

 private:
  struct Payload {
    Pending pending;
    void* value;
    const Type* type;

    bool unwanted() const noexcept { return pending.ops->stop_requested(pending); }
    void finish() const noexcept {
      if (!pending.ops->wanted(pending)) return pending.ops->drop(pending);
      type->move(pending.ops->slot(pending), value);
      pending.ops->finish(pending, nullptr);
    }
  };

  const std::string where_;
  const Type& type_;
  const ServiceTime time_;
  mutable TimedCalls<Payload> calls_;
};

Stage passage(const Node& node, std::string where, ServiceTime time) {
  Stage s;
  s.takes = {node.type};
  s.gives = node.type;
  s.take = Passage::begin;
  s.context = std::make_shared<const Passage>(std::move(where), *node.type, std::move(time));
  s.replicable = true;
  s.asynchronous = true;
  s.station = node.stage.station;
  s.station.state = nullptr;
  return s;
}

// ---- the plan

class Rewriter {
 public:
  Rewriter(const Profile& profile, const sim::TimedOptions& options, Problems& problems)
      : profile_(profile), options_(options), problems_(problems) {}

  std::shared_ptr<const Graph> rewrite(const Graph& graph, const GraphChoices& choices, const std::string& path,
                                       GraphChoices& made) {
    auto timed = std::make_shared<Graph>();
    timed->name = graph.name;
    timed->problems = graph.problems;
    std::set<std::string> names;
    for (const Node& n : graph.nodes) names.insert(n.name);
    std::vector<int> place;  // by old number: who gives the value now
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      Node node = graph.nodes[i];
      const std::string where = path_of(path, node);
      for (int& in : node.inputs) in = place[static_cast<std::size_t>(in)];
      std::vector<GraphChoices> arms(node.arms.size());
      for (std::size_t k = 0; k < node.arms.size(); ++k)
        node.arms[k].graph = rewrite(*node.arms[k].graph, choices.arms[i][k], arm_path(where, k), arms[k]);
      const bool simple = node.kind == Kind::then || node.kind == Kind::join;
      const auto time = simple ? time_of(node, where) : std::nullopt;
      Node behind;
      if (time) behind = take_apart(node, where, *time, names);
      timed->nodes.push_back(std::move(node));
      add_choices(made, choices, i, std::move(arms));
      if (time) {
        behind.inputs = {static_cast<int>(timed->nodes.size()) - 1};
        timed->nodes.push_back(std::move(behind));
        add_choices(made, choices.device[i]);
      }
      place.push_back(static_cast<int>(timed->nodes.size()) - 1);
    }
    timed->output = place[static_cast<std::size_t>(graph.output)];
    return timed;
  }

 private:
  // None: it takes no time of the profile's.
  std::optional<sim::Distribution> time_of(const Node& node, const std::string& where) {
    if (node.stage.asynchronous) return std::nullopt;
    if (node.stage.station.batch) {
      problems_.add(Code::unsupported, where,
                    "is a batch stage; a timed plan cannot share a call's time among its rows");
      return std::nullopt;
    }
    const std::string& variant = node.stage.model.variant;
    const Cost* cost = profile_.find(where, variant);
    if (!cost && !variant.empty()) cost = profile_.find(where);
    if (!cost || !cost->time.known()) {
      if (!options_.unknown_take_none)
        problems_.add(Code::unknown_name, where,
                      "the profile has no time for this stage; measure the flow, or let such stages take none");
      return std::nullopt;
    }
    sim::Distribution time = sim::quantiles(cost->time);
    if (!time.problem.empty()) problems_.add(Code::bad_value, where, "its times in the profile: " + time.problem);
    return time;
  }
  // Gives the stage that stands behind `node` from now on, under its name.
  Node take_apart(Node& node, const std::string& where, sim::Distribution time, std::set<std::string>& names) const {
    Node behind;
    behind.kind = Kind::then;
    behind.type = node.type;
    behind.name = node.name.empty() ? "time" : node.name;
    behind.stage = passage(node, where, ServiceTime{std::move(time), options_.service});
    node.name += node.name.empty() ? "value" : ".value";
    while (!names.insert(node.name).second) node.name += "_";
    if (!node.stage.station.state) node.stage.station = {};
    return behind;
  }

  static void add_choices(GraphChoices& made, const GraphChoices& from, std::size_t i, std::vector<GraphChoices> arms) {
    made.group.push_back(static_cast<int>(made.group.size()));
    made.device.push_back(from.device[i]);
    made.fork.push_back(from.fork[i]);
    made.hedge.push_back(from.hedge.empty() ? PolicyUse() : from.hedge[i]);
    made.reserve.push_back(from.reserve.empty() ? Duration(-1) : from.reserve[i]);
    made.seconds.push_back(from.seconds.empty() ? -1 : from.seconds[i]);
    made.arms.push_back(std::move(arms));
  }
  static void add_choices(GraphChoices& made, const Device& device) {
    made.group.push_back(static_cast<int>(made.group.size()));
    made.device.push_back(device);
    made.fork.push_back(false);
    made.hedge.emplace_back();
    made.reserve.emplace_back(-1);
    made.seconds.push_back(-1);
    made.arms.emplace_back();
  }

  const Profile& profile_;
  const sim::TimedOptions& options_;
  Problems& problems_;
};

}  // namespace

Built<std::shared_ptr<const PlanData>> timed_plan(const PlanData& plan, const Profile& profile,
                                                  const sim::TimedOptions& options) {
  try {
    if (Problems found = verify(plan); !found.empty()) return found;
    PlanData timed;
    Problems problems;
    timed.choices.decisions = plan.choices.decisions;
    timed.choices.passes = plan.choices.passes;
    timed.graph = Rewriter(profile, options, problems).rewrite(*plan.graph, plan.choices.root, {}, timed.choices.root);
    if (!problems.empty()) return problems;
    if (Problems found = verify(timed); !found.empty()) return found;
    return std::make_shared<const PlanData>(std::move(timed));
  } catch (const std::bad_alloc&) {
    return Problems(Code::out_of_memory, "plan", "there is not enough memory for a timed plan");
  }
}

}  // namespace tailrace::detail
