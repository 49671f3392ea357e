// Where two graphs differ, in words.
#include <algorithm>

#include "tailrace/plan/graph.h"
#include "tailrace/plan/verify.h"

namespace tailrace {

namespace {

std::string unequal(const std::string& where, const char* what, std::string_view a, std::string_view b) {
  std::string text = where.empty() ? "" : where + ": ";
  return text + what + " '" + std::string(a) + "' against '" + std::string(b) + "'";
}
std::string unequal_counts(const std::string& where, const char* what, std::size_t a, std::size_t b) {
  return unequal(where, what, std::to_string(a), std::to_string(b));
}
bool same(const Type* a, const Type* b) { return a == b || (a && b && equal(*a, *b)); }
std::string_view type_name(const Type* t) { return t ? t->name : std::string_view("none"); }
std::string in_words(const Parameters& parameters) {
  std::string text;
  for (const auto& p : parameters.list()) {
    text += text.empty() ? "" : ", ";
    text += p.name + " = " + (p.is_text ? p.text : std::to_string(p.number));
  }
  return text;
}

std::string in_words(const BatchUse& use) {
  if (!use.said()) return "none said";
  return "up to " + std::to_string(use.max) + ", replicas " + std::to_string(use.replicas) + ", policy " +
         use.policy.name + "(" + in_words(use.policy.parameters) + ")";
}

std::string function_difference(const std::string& where, const char* what, const std::string& a,
                                const Parameters& of_a, const std::string& b, const Parameters& of_b) {
  if (a != b) return unequal(where, what, a, b);
  if (of_a == of_b) return {};
  return unequal(where + " (" + what + ")", "parameters", in_words(of_a), in_words(of_b));
}
std::string test_difference(const std::string& where, const char* what, const Test& a, const Test& b) {
  if (static_cast<bool>(a) != static_cast<bool>(b))
    return unequal(where, what, a ? "given" : "none", b ? "given" : "none");
  if (!same(a.takes, b.takes)) return unequal(where, what, type_name(a.takes), type_name(b.takes));
  return function_difference(where, what, a.function, a.parameters, b.function, b.parameters);
}

std::string stage_difference(const std::string& where, const Stage& a, const Stage& b) {
  auto found = function_difference(where, "function", a.function, a.parameters, b.function, b.parameters);
  if (!found.empty()) return found;
  if (a.model.name != b.model.name) return unequal(where, "model", a.model.name, b.model.name);
  if (a.model.variant != b.model.variant) return unequal(where, "variant", a.model.variant, b.model.variant);
  const auto device = [](const Need& need) { return need.device ? name(*need.device) : std::string("any"); };
  if (a.model.need.device != b.model.need.device)
    return unequal(where, "device needed", device(a.model.need), device(b.model.need));
  if (a.model.need != b.model.need)
    return unequal(where, "accuracy needed", std::to_string(a.model.need.accuracy),
                   std::to_string(b.model.need.accuracy));
  if (a.batching == b.batching) return {};
  return unequal(where, "batches", in_words(a.batching), in_words(b.batching));
}

std::string graph_difference(const std::string& prefix, const Graph& a, const Graph& b);

std::string arms_difference(const std::string& where, const Node& a, const Node& b) {
  if (a.arms.size() != b.arms.size()) return unequal_counts(where, "arms", a.arms.size(), b.arms.size());
  for (std::size_t k = 0; k < a.arms.size(); ++k) {
    const auto path = arm_path(where, k);
    if (a.arms[k].name != b.arms[k].name) return unequal(path, "name", a.arms[k].name, b.arms[k].name);
    auto found = test_difference(path, "exit test", a.arms[k].exit, b.arms[k].exit);
    if (!found.empty()) return found;
    found = graph_difference(path, *a.arms[k].graph, *b.arms[k].graph);
    if (!found.empty()) return found;
  }
  return {};
}

std::string inputs_in_words(const Graph& graph, const Node& node) {
  std::string text;
  for (int in : node.inputs) text += (text.empty() ? "" : ", ") + graph.at(in).name;
  return text;
}

std::string in_words(const std::optional<Duration>& reserve) {
  return reserve ? std::to_string(reserve->count()) + " ns" : "none";
}

std::string node_difference(const std::string& prefix, const Graph& of_a, const Node& a, const Graph& of_b,
                            const Node& b) {
  if (a.name != b.name) return unequal(prefix, "stage", a.name, b.name);
  const auto where = path_of(prefix, a);
  if (a.kind != b.kind) return unequal(where, "kind", name(a.kind), name(b.kind));
  if (a.inputs != b.inputs) return unequal(where, "input", inputs_in_words(of_a, a), inputs_in_words(of_b, b));
  if (!same(a.type, b.type)) return unequal(where, "type", type_name(a.type), type_name(b.type));
  auto found = stage_difference(where, a.stage, b.stage);
  if (!found.empty()) return found;
  found = test_difference(where, a.kind == Kind::choose ? "selector" : "validity test", a.test, b.test);
  if (!found.empty()) return found;
  if (a.agree != b.agree) return unequal(where, "agreeing arms", std::to_string(a.agree), std::to_string(b.agree));
  if (a.policy != b.policy)
    return function_difference(where, "policy", a.policy.name, a.policy.parameters, b.policy.name, b.policy.parameters);
  if (a.reserve != b.reserve) return unequal(where, "reserve", in_words(a.reserve), in_words(b.reserve));
  if (a.fallback != b.fallback) return unequal(where, "fallback", a.fallback ? "on" : "off", b.fallback ? "on" : "off");
  return arms_difference(where, a, b);
}

std::string graph_difference(const std::string& prefix, const Graph& a, const Graph& b) {
  if (&a == &b) return {};
  if (a.name != b.name) return unequal(prefix, "flow", a.name, b.name);
  const auto common = std::min(a.nodes.size(), b.nodes.size());
  for (std::size_t i = 0; i < common; ++i) {
    auto found = node_difference(prefix, a, a.nodes[i], b, b.nodes[i]);
    if (!found.empty()) return found;
  }
  if (a.nodes.size() != b.nodes.size()) return unequal_counts(prefix, "stages", a.nodes.size() - 1, b.nodes.size() - 1);
  if (a.output != b.output) return unequal(prefix, "output", a.at(a.output).name, b.at(b.output).name);
  return {};
}

}  // namespace

std::string difference(const Graph& a, const Graph& b) {
  if (&a == &b) return {};
  if (!within_bounds(a) || !within_bounds(b)) return "too large to be compared";
  return graph_difference({}, a, b);
}

}  // namespace tailrace
