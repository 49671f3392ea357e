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
}

std::vector<std::string> PolicyCatalog::hedges() const {
  std::vector<std::string> names;
  for (const auto& [name, known] : hedges_) names.push_back(name);
  return names;
}

Built<std::shared_ptr<const HedgePolicy>> PolicyCatalog::hedge(const PolicyUse& use) const {
  const auto found = hedges_.find(use.name);
  if (found == hedges_.end())
    return Problems(Code::unknown_name, "",
                    "there is no hedging policy '" + use.name + "'" + nearest_hint(use.name, hedges()));
  Problems problems;
  const Parameters all = checked(found->second.numbers, use, problems);
  if (!problems.empty()) return problems;
  return found->second.make(all);
}

}  // namespace tailrace
