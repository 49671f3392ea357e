#include "tailrace/model/registry.h"

#include <algorithm>

namespace tailrace {

void Registry::add(const std::string& model, Variant variant) {
  auto entry = std::find_if(models_.begin(), models_.end(), [&](const auto& m) { return m.first == model; });
  if (entry == models_.end()) entry = models_.insert(entry, {model, {}});
  auto& variants = entry->second;
  auto same = std::find_if(variants.begin(), variants.end(), [&](const Variant& v) { return v.name == variant.name; });
  if (same == variants.end()) variants.push_back(std::move(variant));
  else *same = std::move(variant);
}

const std::vector<Variant>& Registry::variants(const std::string& model) const {
  static const std::vector<Variant> none;
  for (const auto& [name, variants] : models_)
    if (name == model) return variants;
  return none;
}

std::vector<std::string> Registry::names() const {
  std::vector<std::string> names;
  for (const auto& entry : models_) names.push_back(entry.first);
  return names;
}

}  // namespace tailrace
