#include "tailrace/opt/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tailrace/policy/batch_plan.h"

namespace tailrace {
namespace {

constexpr double gain_that_pays = 1.2;    // rows in a second, over those of calls for one row
constexpr double nearly_the_best = 1.05;  // times the least time a row

class Batcher {
 public:
  Batcher(const OptimiseOptions& options, std::vector<Decision>& decisions)
      : models_(options.models),
        threads_(std::max(1u, options.profile.measured.threads)),
        longest_(options.goal.p99 > Duration{} ? to_seconds(options.goal.p99) / 2 : -1),
        decisions_(decisions) {}

  void graph(const Graph& graph, GraphChoices& choices, const std::string& prefix) {
    for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      const std::string where = path_of(prefix, node);
      const ModelUse& use = node.stage.model;
      if (node.stage.together && use.model && use.model->batched()) {
        BatchChoice choice = choose(node.stage, where);
        if (choice.use.said()) {
          choices.batch.resize(graph.nodes.size());
          choices.batch[i] = std::move(choice);
        }
      }
      if (node.kind == Kind::hedge) continue;
      for (std::size_t k = 0; k < node.arms.size(); ++k)
        this->graph(*node.arms[k].graph, choices.arms[i][k], arm_path(where, k));
    }
  }

 private:
  const BatchTimes* times_of(const ModelUse& use) const {
    for (const Variant& v : models_.variants(use.name))
      if (v.name == use.variant && v.times.known() && v.times.check().empty()) return &v.times;
    return nullptr;
  }

  BatchChoice choose(const Stage& stage, const std::string& where) {
    const BatchTimes* const times = times_of(stage.model);
    if (stage.batching.said()) return as_said(stage, times, where);
    if (!times) return {};
    const BatchPlan plan(*times, times->largest());
    const std::uint32_t most = largest_call(plan, *times);
    const double one = plan.run(1), row = plan.run(most) / most, gain = one / row;
    if (gain < gain_that_pays) {
      record(where, "answers one request a call",
             most == 1 ? "no larger call takes less time a row and fits into half of the goal"
                       : fmt::format("a call of {} rows takes {:.2g} times as long as one of 1", most, most / gain));
      return {};
    }
    record(
        where,
        fmt::format("requests share calls of up to {} rows, {}, sized by table", most,
                    threads_ == 1 ? "one at a time" : fmt::format("{} at a time", threads_)),
        fmt::format("a call of {} rows takes {} and one of 1 takes {}, so that in a second {:.2g} times as many rows "
                    "are answered",
                    most, time_in_words(plan.run(most)), time_in_words(one), gain),
        row);
    return {{most, threads_, {"table"}}, *times};
  }
  BatchChoice as_said(const Stage& stage, const BatchTimes* times, const std::string& where) {
    if (stage.batching.max <= 1) return {};
    BatchChoice choice{stage.batching, times ? *times : stage.station.times};
    const bool named = !choice.use.policy.name.empty();
    if (!named) choice.use.policy = {"table"};
    record(where,
           fmt::format("requests share calls of up to {} rows, sized by {}", choice.use.max, choice.use.policy.name),
           std::string("as the flow says") + (named ? "" : ", which names no policy") +
               (choice.times.known() ? "" : "; what calls of several rows take is not known, and is learned"));
    return choice;
  }

  // The smallest one that takes hardly more time a row than any; one that was measured, if there is such a one.
  std::uint32_t largest_call(const BatchPlan& plan, const BatchTimes& times) const {
    const auto fits = [&](std::uint32_t n) { return longest_ < 0 || plan.run(n) <= longest_; };
    const auto row = [&](std::uint32_t n) { return plan.run(n) / n; };
    double least = row(1);
    for (std::uint32_t n = 1; n <= plan.most(); ++n)
      if (fits(n)) least = std::min(least, row(n));
    const auto is_good = [&](std::uint32_t n) { return fits(n) && row(n) <= nearly_the_best * least; };
    for (const BatchTime& t : times.times)
      if (t.rows <= plan.most() && is_good(t.rows)) return t.rows;
    std::uint32_t n = 1;
    while (n < plan.most() && !is_good(n)) ++n;
    return is_good(n) ? n : 1;
  }

  // `row`: seconds a row; below 0: nothing is to be expected.
  void record(const std::string& where, std::string what, std::string why, double row = -1) {
    Decision d;
    d.pass = "batch";
    d.where = where;
    d.what = std::move(what);
    d.why = std::move(why);
    if (row >= 0) {
      d.expected = 1e3 * row;
      d.unit = "ms a row";
      d.source = "registry";
    }
    decisions_.push_back(std::move(d));
  }

  const Registry& models_;
  const unsigned threads_;
  const double longest_;  // seconds; below 0: no limit
  std::vector<Decision>& decisions_;
};

}  // namespace

Problems batch(PlanData& plan, const OptimiseOptions& options) {
  Batcher(options, plan.choices.decisions).graph(*plan.graph, plan.choices.root, {});
  return {};
}

}  // namespace tailrace
