#include "tailrace/opt/race.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "opt/second_call.h"
#include "tailrace/plan/verify.h"

namespace tailrace {

namespace {

using detail::SecondCall;

constexpr std::uint64_t enough_calls = 100;  // of which one takes p99
constexpr double heavy = 2;                  // times p50
constexpr double gain_that_pays = .1;        // of p99
constexpr double wakes_that_pay = 10;
constexpr double budget = .1;  // second calls for each call

// What the profile says of a second call of one stage.
struct Finding {
  std::string where;
  const Cost* cost = nullptr;
  SecondCall call;
  std::string light;  // why none pays
  std::string bar;    // why none can be made, whether it pays or not
};

// ---- what pays

class Judge {
 public:
  explicit Judge(const Profile& profile) : profile_(profile) {}

  std::vector<Finding> findings(const Graph& graph) {
    look(graph, {});
    return std::move(findings_);
  }

 private:
  void look(const Graph& graph, const std::string& prefix) {
    for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      const std::string where = path_of(prefix, node);
      if (node.kind == Kind::then) findings_.push_back(judge(node.stage, where));
      if (node.kind == Kind::race || node.kind == Kind::quorum || node.kind == Kind::hedge) continue;
      for (std::size_t k = 0; k < node.arms.size(); ++k) look(*node.arms[k].graph, arm_path(where, k));
    }
  }

  Finding judge(const Stage& stage, const std::string& where) const {
    Finding f;
    f.where = where;
    f.cost = profile_.find(where, stage.model.variant);
    f.light = weigh(f);
    f.bar = bar(stage);
    return f;
  }

  std::string weigh(Finding& f) const {
    if (!f.cost || !f.cost->time.known()) return "nothing is known of what it takes";
    const Times& t = f.cost->time;
    if (t.calls < enough_calls)
      return fmt::format("{} calls were measured: too few to know which one in {} is slow", t.calls, enough_calls);
    if (t.p99 < heavy * t.p50)
      return fmt::format("its tail is light: p99 is {:.2g} times p50, {}", t.p99 / t.p50, time_in_words(t.p99));
    const double wake = profile_.wake.expected(), of_input = std::max(0., f.cost->of_input);
    f.call = detail::best_second_call(t, wake, of_input);
    const auto pays = [&](const SecondCall& s) {
      return t.p99 - s.p99 >= std::max(gain_that_pays * t.p99, wakes_that_pay * wake);
    };
    if (pays(f.call)) return {};
    if (of_input > 0 && pays(detail::best_second_call(t, wake, 0)))
      return fmt::format("{:.0f} of 100 slow calls are slow because of their input, and a second one would be too",
                         100 * of_input);
    return fmt::format("a second call would take its p99 from {} to {} only", time_in_words(t.p99),
                       time_in_words(f.call.p99));
  }

  std::string bar(const Stage& stage) const {
    const StationSpec& station = stage.station;
    if (station.state) return "it keeps a state";
    if (station.batch) return "it answers in batches: a second call would wait for one";
    if (station.limit == 1) return "it takes one call at a time: a second one would wait for the first";
    if (!stage.replicable)
      return "nobody has said that it may be asked twice for one request: write tr::stage(f, {.replicable = true})";
    if (!stage.leave) return "its input cannot be copied, and it takes it apart";
    if (profile_.measured.threads < 2 && !stage.asynchronous) return "there is no thread for a second call";
    if (!profile_.wake.known()) return "the profile does not say what waking a thread takes";
    return {};
  }

  const Profile& profile_;
  std::vector<Finding> findings_;
};

// ---- the rewrite

PolicyUse policy() { return {"adaptive", {{"share", budget}}}; }

// Puts hedges around stages. Graphs are shared and const: those that change are copied, down to the arms.
class Wrapper {
 public:
  explicit Wrapper(const std::set<std::string>& where) : where_(where) {}

  std::shared_ptr<const Graph> wrap(const std::shared_ptr<const Graph>& graph, GraphChoices& choices,
                                    const std::string& prefix) const {
    std::shared_ptr<Graph> copy;
    const auto changed = [&](std::size_t i) -> Node& {
      if (!copy) copy = std::make_shared<Graph>(*graph);
      return copy->nodes[i];
    };
    for (std::size_t i = 1; i < graph->nodes.size(); ++i) {
      const Node& node = graph->nodes[i];
      const std::string where = path_of(prefix, node);
      if (node.kind == Kind::then && where_.count(where)) {
        hedge(changed(i), choices, i);
        continue;
      }
      for (std::size_t k = 0; k < node.arms.size(); ++k)
        if (const auto arm = wrap(node.arms[k].graph, choices.arms[i][k], arm_path(where, k));
            arm != node.arms[k].graph)
          changed(i).arms[k] = with(node.arms[k], arm);
    }
    if (copy) return copy;
    return graph;
  }

 private:
  // A stage that is an arm by itself has no name; what is around it needs one.
  static void hedge(Node& node, GraphChoices& choices, std::size_t i) {
    Arm call = detail::arm_of(std::exchange(node.stage, {}));
    GraphChoices inside = default_choices(*call.graph);
    inside.device.assign(2, choices.device[i]);
    if (!choices.seconds.empty()) inside.seconds = {0, choices.seconds[i]};
    choices.arms[i] = {std::move(inside)};
    node.kind = Kind::hedge;
    if (node.name.empty()) node.name = call.name.empty() ? "call" : call.name;
    node.policy = policy();
    node.arms.push_back(std::move(call));
  }
  static Arm with(Arm arm, const std::shared_ptr<const Graph>& graph) {
    if (graph->name.empty()) {
      auto named = std::make_shared<Graph>(*graph);
      named->name = graph->nodes.back().name;
      arm.graph = std::move(named);
    } else {
      arm.graph = graph;
    }
    arm.name = arm.graph->name;
    return arm;
  }

  const std::set<std::string>& where_;
};

// ---- what is told

std::string gain(const Finding& f) {
  const Times& t = f.cost->time;
  const double work = 100 * f.call.work, of_input = f.cost->of_input;
  return fmt::format(
      "p99 is {:.2g} times p50, {}. A second call of the {:.2g} % that take longer than {} makes it {}, for {:.2g} % "
      "{} work where losers end when they are told to, and {:.2g} % more where they do not{}",
      t.p99 / t.p50, time_in_words(t.p99), 100 * f.call.calls, time_in_words(f.call.delay), time_in_words(f.call.p99),
      std::abs(work), work < 0 ? "less" : "more", 100 * f.call.calls,
      of_input < 0 ? "; as far as slowness does not belong to the input, which the profile does not know" : "");
}

Decision about(std::string where, std::string what, std::string why) {
  Decision d;
  d.pass = "race";
  d.where = std::move(where);
  d.what = std::move(what);
  d.why = std::move(why);
  return d;
}
Decision about(const Finding& f, bool hedged) {
  Decision d = about(f.where,
                     hedged ? fmt::format("hedged, by adaptive: a second call for at most one in {:.0f}", 1 / budget)
                            : "could be hedged",
                     gain(f));
  d.expected = f.call.p99;
  d.unit = "s";
  d.source = "profile";
  return d;
}

// Whether stages are to be hedged, and why; no reason: nobody has said anything.
struct Asked {
  bool yes = false;
  std::string why;
};
Asked asked(const OptimiseOptions& options) {
  const Duration goal = options.goal.p99;
  if (std::find(options.with.begin(), options.with.end(), "race") != options.with.end()) return {true, "as asked"};
  if (goal <= Duration{}) return {};
  const std::string wanted = time_in_words(to_seconds(goal));
  const Cost* whole = options.profile.find({});
  if (!whole || !whole->time.known()) return {true, "the goal is " + wanted + ", and nothing is known of the whole"};
  const std::string found = "99 of 100 requests take up to " + time_in_words(whole->time.p99) + ", and the goal is ";
  return {whole->time.p99 > to_seconds(goal), found + wanted};
}

// Hedges those that can be, and bars those whose hedge would leave somebody with a value that cannot be copied.
void hedge_all(PlanData& plan, std::vector<Finding>& findings) {
  std::set<std::string> where;
  for (const Finding& f : findings)
    if (f.light.empty() && f.bar.empty()) where.insert(f.where);
  const auto fits = [&](const std::set<std::string>& places) {
    PlanData trial = plan;
    trial.graph = Wrapper(places).wrap(plan.graph, trial.choices.root, {});
    if (!verify(*trial.graph).empty()) return false;
    plan = std::move(trial);
    return true;
  };
  if (where.empty() || fits(where)) return;
  for (Finding& f : findings)
    if (where.count(f.where) && !fits({f.where})) f.bar = "others could not have what it reads for themselves any more";
}

}  // namespace

Problems race(PlanData& plan, const OptimiseOptions& options) {
  const Asked ask = asked(options);
  auto& decisions = plan.choices.decisions;
  if (options.profile.empty()) {
    if (ask.yes) decisions.push_back(about(plan.graph->name, "nothing is hedged", "there is no profile"));
    return {};
  }
  if (!ask.why.empty())
    decisions.push_back(
        about(plan.graph->name, ask.yes ? "stages are hedged where it pays" : "nothing needs to be hedged", ask.why));
  std::vector<Finding> findings = Judge(options.profile).findings(*plan.graph);
  if (ask.yes) hedge_all(plan, findings);
  for (const Finding& f : findings) {
    if (!f.light.empty()) {
      if (ask.yes) plan.choices.decisions.push_back(about(f.where, "is not hedged", f.light));
    } else if (!f.bar.empty()) {
      plan.choices.decisions.push_back(about(f.where, "cannot be hedged, though it would pay", f.bar));
    } else {
      plan.choices.decisions.push_back(about(f, ask.yes));
    }
  }
  return {};
}

}  // namespace tailrace
