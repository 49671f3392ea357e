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

// ---- calls for several requests

// What calls of a batch stage are, and what they take.
struct TimedBatch {
  std::shared_ptr<const void> context;
  BatchThunk batch;
  BatchTimes times;
};

// The same station, whose calls take the medians of its table on the worker of the request that leads.
Stage with_times(Stage stage, const StationSpec& spec) {
  stage.context = std::make_shared<const TimedBatch>(TimedBatch{std::move(stage.context), spec.batch, spec.times});
  stage.station = spec;
  stage.station.batch = [](const void* context, const BatchCall& call) {
    const auto& timed = *static_cast<const TimedBatch*>(context);
    timed.batch(timed.context.get(), call);
  };
  stage.station.takes = [](const void* context, std::uint32_t rows) {
    return to_duration(static_cast<const TimedBatch*>(context)->times.seconds(rows));
  };
  return stage;
}

// ---- models that compute elsewhere

// One that has computed when start() returns: real time, in which a virtual clock stands.
class Waiting final : public Model {
 public:
  explicit Waiting(std::shared_ptr<const Model> model) : model_(std::move(model)) {}
  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    return model_->run(inputs, outputs);
  }
  bool batched() const noexcept override { return model_->batched(); }
  std::string describe() const override { return model_->describe(); }

 private:
  const std::shared_ptr<const Model> model_;
};

bool computes_elsewhere(const Stage& stage) {
  return stage.asynchronous && stage.bind && stage.model.model && stage.model.model->starts();
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
      const StationSpec station = tailrace::station_of(node, choices, i);
      if (simple && station.batch) time_calls(node, station, where);
      const auto time = simple && !station.batch ? time_of(node, where) : std::nullopt;
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
  // Lets a batch stage's calls take what its table says.
  void time_calls(Node& node, const StationSpec& station, const std::string& where) {
    if (!station.takes && station.times.known()) {
      node.stage = with_times(std::move(node.stage), station);
      return;
    }
    node.stage.station = station;
    if (!station.takes && !options_.unknown_take_none)
      problems_.add(Code::unknown_name, where,
                    "answers several requests a call, and what calls of so many rows take is not known; give the stage "
                    "or its model a table of times, or let such stages take none");
  }
  // None: it takes no time of the profile's.
  std::optional<sim::Distribution> time_of(const Node& node, const std::string& where) {
    if (node.stage.asynchronous && !computes_elsewhere(node.stage)) return std::nullopt;
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
    ServiceTime takes{std::move(time), options_.service};
    const bool elsewhere = computes_elsewhere(node.stage);
    if (elsewhere) takes.options.holds_worker = false;
    behind.stage = passage(node, where, std::move(takes));
    if (elsewhere) {
      if (behind.stage.station.limit == 0) behind.stage.station.limit = node.stage.model.model->at_once();
      node.stage.context =
          node.stage.bind(node.stage.context.get(), std::make_shared<const Waiting>(node.stage.model.model));
    }
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
