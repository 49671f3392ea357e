#include "tailrace/core/parameters.h"

#include <algorithm>

namespace tailrace {

namespace {

const Parameter* find(const std::vector<Parameter>& list, std::string_view name) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const Parameter& p) { return p.name == name; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

double Parameters::number(std::string_view name, double otherwise) const {
  const Parameter* p = find(list_, name);
  return p && !p->is_text ? p->number : otherwise;
}

std::string Parameters::text(std::string_view name, std::string otherwise) const {
  const Parameter* p = find(list_, name);
  return p && p->is_text ? p->text : otherwise;
}

bool Parameters::has(std::string_view name) const { return find(list_, name) != nullptr; }

std::vector<std::string> Parameters::unknown(std::initializer_list<std::string_view> known) const {
  std::vector<std::string> names;
  for (const Parameter& p : list_)
    if (std::find(known.begin(), known.end(), p.name) == known.end()) names.push_back(p.name);
  return names;
}

}  // namespace tailrace
