#include "tailrace/policy/catalog.h"

#include <algorithm>
#include <chrono>
#include <sstream>

namespace tailrace {
namespace {

constexpr double longest_ms = 3.6e6;

Duration milliseconds(double ms) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(ms));
}
Duration delay_of(const Parameters& p) { return milliseconds(p.number("delay_ms", 0)); }

std::string in_words(double number) {
  std::ostringstream text;
  text << number;
  return text.str();
}

std::string bounds_of(const PolicyCatalog::Number& n) { return in_words(n.least) + " to " + in_words(n.most); }

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return names.empty() ? "none" : text;
}

// The parameters with all defaults filled in.
Parameters checked(const std::vector<PolicyCatalog::Number>& known, const PolicyUse& use, Problems& problems) {
  std::vector<std::string> names;
  for (const auto& n : known) names.push_back(n.name);
  for (const Parameter& p : use.parameters.list())
    if (std::find(names.begin(), names.end(), p.name) == names.end())
      problems.add(Code::unknown_name, "",
                   "the policy '" + use.name + "' has no parameter '" + p.name + "'" + nearest_hint(p.name, names) +
                       "; it takes " + listed(names));
  Parameters all;
  for (const auto& n : known) {
    const auto& given = use.parameters.list();
    const auto p = std::find_if(given.begin(), given.end(), [&](const Parameter& g) { return g.name == n.name; });
    if (p == given.end()) {
      all.add({n.name, n.otherwise});
    } else if (p->is_text || !(p->number >= n.least && p->number <= n.most)) {
      problems.add(Code::bad_value, "",
                   "'" + n.name + "' of the policy '" + use.name + "' must be a number from " + bounds_of(n) +
                       ", got " + (p->is_text ? "'" + p->text + "'" : in_words(p->number)));
    } else {
      all.add({n.name, p->number});
    }
  }
  return all;
}

}  // namespace

PolicyCatalog::PolicyCatalog() {
  const Number delay{"delay_ms", 0, 0, longest_ms};
  add_hedge("never", {}, [](const Parameters&) { return NeverHedge{}; });
  add_hedge("race_all", {}, [](const Parameters&) { return RaceAll{}; });
  add_hedge("fixed", {delay}, [](const Parameters& p) { return FixedHedge{delay_of(p)}; });
  add_hedge("reissue", {delay, {"probability", 1, 0, 1}}, [](const Parameters& p) {
    return Reissue{delay_of(p), p.number("probability", 1)};
  });
  add_hedge("quantile", {{"quantile", 0.95, 0, 1}},
            [](const Parameters& p) { return QuantileHedge{p.number("quantile", 0.95)}; });
  add_hedge("idle", {delay}, [](const Parameters& p) { return IdleHedge{delay_of(p)}; });
  const AdaptiveHedge usual;
  add_hedge("adaptive", {{"share", usual.share, 0, 1}, {"burst", usual.burst, 1, 1e6}}, [](const Parameters& p) {
    return AdaptiveHedge{p.number("share", 0), p.number("burst", 0)};
  });
  add_batches();
}

void PolicyCatalog::add_batches() {
  add_batch("greedy", {}, [](const Parameters&) { return GreedyBatch{}; });
  add_batch("fixed", {{"size", 32, 1, BatchPlan::most_rows}, {"delay_ms", 0, 0, longest_ms}}, [](const Parameters& p) {
    return FixedBatch{static_cast<std::uint32_t>(p.number("size", 1)), delay_of(p)};
  });
  add_batch("aimd", {{"goal_ms", 10, 0, longest_ms}, {"shrink", .9, .1, 1}}, [](const Parameters& p) {
    return AimdBatch{milliseconds(p.number("goal_ms", 0)), p.number("shrink", 0)};
  });
  const TableBatch usual;
  add_batch("table", {{"margin", usual.margin, 0, 100}},
            [](const Parameters& p) { return TableBatch{p.number("margin", 0)}; });
}

namespace {
template <class Names>
std::vector<std::string> names_of(const Names& all) {
  std::vector<std::string> names;
  for (const auto& entry : all) names.push_back(entry.first);
  return names;
}
}  // namespace

std::vector<std::string> PolicyCatalog::hedges() const { return names_of(hedges_); }
std::vector<std::string> PolicyCatalog::batches() const { return names_of(batches_); }

template <class Policy>
Built<std::shared_ptr<const Policy>> PolicyCatalog::find(const Names<Policy>& names, const PolicyUse& use,
                                                         const char* kind) {
  const auto found = names.find(use.name);
  if (found == names.end())
    return Problems(
        Code::unknown_name, "",
        std::string("there is no ") + kind + " policy '" + use.name + "'" + nearest_hint(use.name, names_of(names)));
  Problems problems;
  const Parameters all = checked(found->second.numbers, use, problems);
  if (!problems.empty()) return problems;
  return found->second.make(all);
}
Built<std::shared_ptr<const HedgePolicy>> PolicyCatalog::hedge(const PolicyUse& use) const {
  return find(hedges_, use, "hedging");
}
Built<std::shared_ptr<const BatchPolicy>> PolicyCatalog::batch(const PolicyUse& use) const {
  return find(batches_, use, "batching");
}

}  // namespace tailrace
