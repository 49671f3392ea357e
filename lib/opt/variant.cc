#include "tailrace/opt/variant.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "tailrace/plan/model_stage.h"

namespace tailrace {

namespace {

double milliseconds(Duration d) { return std::chrono::duration<double, std::milli>(d).count(); }
bool known(Duration latency) { return latency > Duration{}; }
bool cheaper(Duration a, Duration b) {
  if (known(a) != known(b)) return known(a);
  return a < b;
}
bool accurate_enough(const Variant& v, const Need& need) { return need.accuracy <= 0 || v.accuracy >= need.accuracy; }
bool is_there(const Variant& v, const Need& need) {
  if (!need.device || v.device == *need.device) return true;
  return std::any_of(v.elsewhere.begin(), v.elsewhere.end(),
                     [&](const Placed& p) { return p.model && p.device == *need.device; });
}

std::string in_words(const Need& need) {
  return need.accuracy > 0 ? fmt::format("accuracy of at least {}", need.accuracy) : "any accuracy";
}

// Binds one plan's models. Graphs are shared and const: those that change are copied, down to the arms, the others not.
class Binder {
 public:
  Binder(const OptimiseOptions& options, std::vector<Decision>& decisions)
      : models_(options.models), profile_(options.profile), decisions_(decisions) {}

  std::shared_ptr<const Graph> bind(const std::shared_ptr<const Graph>& graph, const std::string& prefix) {
    std::shared_ptr<Graph> copy;
    for (std::size_t i = 0; i < graph->nodes.size(); ++i) {
      const auto changed = [&]() -> Node& {
        if (!copy) copy = std::make_shared<Graph>(*graph);
        return copy->nodes[i];
      };
      bind_node(graph->nodes[i], path_of(prefix, graph->nodes[i]), changed);
    }
    if (copy) return copy;
    return graph;
  }
  Problems problems() && { return std::move(problems_); }

 private:
  template <class Changed>
  void bind_node(const Node& node, const std::string& where, const Changed& changed) {
    const ModelUse& use = node.stage.model;
    if (!use.name.empty() && !use.model)
      if (const Variant* chosen = choose(use, where)) bind_stage(changed().stage, *chosen, where);
    for (std::size_t k = 0; k < node.arms.size(); ++k) {
      if (!node.arms[k].graph) continue;
      const auto arm = bind(node.arms[k].graph, arm_path(where, k));
      if (arm != node.arms[k].graph) changed().arms[k].graph = arm;
    }
  }

  void bind_stage(Stage& stage, const Variant& chosen, const std::string& where) {
    if (!stage.bind)
      return problems_.add(Code::internal_error, where,
                           "its stage cannot be given the model '" + stage.model.name + "'");
    detail::serve(stage, chosen.model, chosen.name);
  }

  const Variant* choose(const ModelUse& use, const std::string& where) {
    const auto& variants = models_.variants(use.name);
    const Variant* best = nullptr;
    std::size_t enough = 0;
    for (const auto& v : variants) {
      if (!v.model || !accurate_enough(v, use.need) || !is_there(v, use.need)) continue;
      ++enough;
      if (!best || cheaper(latency(v, where, use.need), latency(*best, where, use.need))) best = &v;
    }
    if (best) record(use, *best, enough, where);
    else refuse(use, variants, where);
    return best;
  }

  const Times* measured(const Variant& v, const std::string& where) const {
    const Cost* cost = profile_.find(where, v.name);
    return cost && cost->time.known() ? &cost->time : nullptr;
  }
  // Of one row, where it must run: as measured at this place, or as the registry says.
  Duration latency(const Variant& v, const std::string& where, const Need& need) const {
    if (need.device && v.device != *need.device)
      for (const Placed& p : v.elsewhere)
        if (p.device == *need.device) return p.latency;
    const Times* times = measured(v, where);
    if (!times) return v.latency;
    return std::max(Duration(1),
                    std::chrono::duration_cast<Duration>(std::chrono::duration<double>(times->expected())));
  }

  void record(const ModelUse& use, const Variant& v, std::size_t enough, const std::string& where) {
    Decision d;
    d.pass = "variant";
    d.where = where;
    d.what = fmt::format("model {} is served by its variant {}", use.name, v.name);
    const std::string of = in_words(use.need);
    const Duration latency = this->latency(v, where, use.need);
    if (enough == 1) d.why = fmt::format("the only variant with {}", of);
    else if (known(latency)) d.why = fmt::format("the fastest of {} variants with {}", enough, of);
    else d.why = fmt::format("the first of {} variants with {}; no latency is known", enough, of);
    d.unit = "ms a row";
    if (known(latency)) {
      d.expected = milliseconds(latency);
      const bool elsewhere = use.need.device && v.device != *use.need.device;
      if (!elsewhere && measured(v, where)) d.source = "profile";
      else d.source = v.measured.empty() ? "registry" : "profile of " + v.measured;
    } else if (!profile_.empty()) {
      d.expected = -1;
      d.source = "profile";
    }
    decisions_.push_back(std::move(d));
  }

  void refuse(const ModelUse& use, const std::vector<Variant>& variants, const std::string& where) {
    const Variant* nearest = nullptr;
    for (const auto& v : variants)
      if (v.model && (!nearest || v.accuracy > nearest->accuracy)) nearest = &v;
    if (variants.empty()) {
      const auto names = models_.names();
      const std::string known_names = names.empty() ? "; the registry is empty" : nearest_hint(use.name, names);
      problems_.add(Code::unknown_name, where,
                    fmt::format("there is no model '{}' in the registry{}", use.name, known_names));
    } else if (!nearest) {
      problems_.add(Code::bad_value, where, fmt::format("no variant of model '{}' has a network behind it", use.name));
    } else if (accurate_enough(*nearest, use.need)) {
      problems_.add(Code::bad_value, where,
                    fmt::format("must run on {}, where the registry has no variant of model '{}' with {}",
                                name(*use.need.device), use.name, in_words(use.need)));
    } else {
      const std::string has =
          nearest->accuracy > 0 ? fmt::format("has {}", nearest->accuracy) : "has an unknown accuracy";
      problems_.add(Code::bad_value, where,
                    fmt::format("needs model '{}' with an accuracy of at least {}, but the nearest variant, '{}', {}",
                                use.name, use.need.accuracy, nearest->name, has));
    }
  }

  const Registry& models_;
  const Profile& profile_;
  std::vector<Decision>& decisions_;
  Problems problems_;
};

}  // namespace

Problems variant(PlanData& plan, const OptimiseOptions& options) {
  Binder binder(options, plan.choices.decisions);
  plan.graph = binder.bind(plan.graph, {});
  return std::move(binder).problems();
}

}  // namespace tailrace
