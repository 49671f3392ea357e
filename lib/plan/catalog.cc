#include "tailrace/plan/catalog.h"

#include <algorithm>

namespace tailrace {

namespace {

using detail::KnownType;

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : map)
    if (!key.empty()) keys.push_back(key);
  return keys;
}

std::string quoted(const std::string& name) { return "'" + name + "'"; }

bool same_types(const std::vector<const Type*>& a, const std::vector<const Type*>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](auto* x, auto* y) { return equal(*x, *y); });
}

// ---- parameters against their rules

const ParameterRule* rule_for(const std::vector<ParameterRule>& rules, const std::string& name) {
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const ParameterRule& r) { return r.name == name; });
  return found == rules.end() ? nullptr : &*found;
}

std::string rules_in_words(const std::vector<ParameterRule>& rules) {
  if (rules.empty()) return "it takes none";
  std::string text = "it takes ";
  for (std::size_t i = 0; i < rules.size(); ++i)
    text += (i == 0 ? "" : i + 1 == rules.size() ? " and " : ", ") + quoted(rules[i].name);
  return text;
}

void check_parameter(const std::string& function, const std::vector<ParameterRule>& rules, const Parameter& p,
                     Problems& problems) {
  const ParameterRule* rule = rule_for(rules, p.name);
  if (!rule) {
    std::vector<std::string> known;
    for (const auto& r : rules) known.push_back(r.name);
    problems.add(Code::unknown_name, function,
                 quoted(function) + " has no parameter " + quoted(p.name) + "; " + rules_in_words(rules) +
                     nearest_hint(p.name, known));
  } else if (rule->is_text != p.is_text) {
    problems.add(Code::type_mismatch, function,
                 "parameter " + quoted(p.name) + " of " + quoted(function) + " is " +
                     (p.is_text ? "a text" : "a number") + ", expected " + (rule->is_text ? "a text" : "a number"));
  }
}

Problems check_parameters(const std::string& function, const std::vector<ParameterRule>& rules,
                          const Parameters& given) {
  Problems problems;
  for (const auto& p : given.list()) check_parameter(function, rules, p, problems);
  for (const auto& rule : rules)
    if (rule.required && !given.has(rule.name))
      problems.add(Code::bad_value, function, quoted(function) + " needs the parameter " + quoted(rule.name));
  return problems;
}

// In the order of the rules, so that the order in a file does not matter. REQUIRES: check_parameters found nothing.
Parameters in_rule_order(const std::vector<ParameterRule>& rules, const Parameters& given) {
  Parameters ordered;
  for (const auto& rule : rules)
    for (const auto& p : given.list())
      if (p.name == rule.name) {
        ordered.add(p);
        break;
      }
  return ordered;
}

// ---- entries

template <class Made>
Built<Made> make(const detail::CatalogEntry<Made>& entry, const std::string& name, const Parameters& parameters) {
  if (auto problems = check_parameters(name, entry.rules, parameters); !problems.empty()) return problems;
  Parameters ordered = in_rule_order(entry.rules, parameters);
  Built<Made> made = entry.make(ordered);
  if (!made) return made;
  made->function = name;
  made->parameters = std::move(ordered);
  return made;
}

template <class Made, class Other>
Built<Made> find(const std::map<std::string, detail::CatalogEntry<Made>>& entries, const Other& others,
                 const char* kind, const char* other_kind, const std::string& name, const Parameters& parameters) {
  if (const auto found = entries.find(name); found != entries.end()) return make(found->second, name, parameters);
  std::string what = std::string("there is no ") + kind + " named " + quoted(name) + " in the catalog";
  if (others.count(name) != 0) what += ", only a " + std::string(other_kind) + " of that name";
  else what += nearest_hint(name, keys_of(entries));
  return Problems(Code::unknown_name, name, what);
}

std::string rules_in_brackets(const std::vector<ParameterRule>& rules) {
  std::string text;
  for (const auto& r : rules) text += (text.empty() ? "" : ", ") + r.name + (r.required ? "" : "?");
  return text.empty() ? "" : "(" + text + ")";
}

}  // namespace

// ---- filling

void Catalog::see(const KnownType* type) {
  for (; type; type = type->element) {
    const bool known = std::any_of(types_.begin(), types_.end(), [&](auto* t) { return equal(*t->type, *type->type); });
    if (!known) types_.push_back(type);
  }
}

Catalog& Catalog::put(std::string name, StageEntry entry) {
  for (const auto* type : entry.takes) see(type);
  see(entry.gives);
  if (name == "tuple")
    problems_.add(Code::invalid_flow, name, "'tuple' is the name of the join that makes tuples; choose another one");
  else if (!stages_.emplace(name, std::move(entry)).second)
    problems_.add(Code::invalid_flow, name, "a stage named " + quoted(name) + " is in the catalog already");
  return *this;
}

Catalog& Catalog::put_test(std::string name, TestEntry entry) {
  for (const auto* type : entry.takes) see(type);
  if (!tests_.emplace(name, std::move(entry)).second)
    problems_.add(Code::invalid_flow, name, "a test named " + quoted(name) + " is in the catalog already");
  return *this;
}

Catalog& Catalog::put_model(std::string name, detail::CatalogModel model) {
  see(model.takes);
  see(model.gives);
  auto& same_name = models_[name];
  const bool twice = std::any_of(same_name.begin(), same_name.end(),
                                 [&](const auto& m) { return equal(*m.takes->type, *model.takes->type); });
  if (twice)
    problems_.add(Code::invalid_flow, name,
                  (name.empty() ? std::string("a default model") : "a model named " + quoted(name)) + " that takes " +
                      display_name(*model.takes->type) + " is in the catalog already");
  else same_name.push_back(std::move(model));
  return *this;
}

Catalog& Catalog::put_tuple(std::vector<const KnownType*> types, Stage stage) {
  for (const auto* type : types) see(type);
  stage.function = "tuple";
  if (!tuple(stage.takes)) tuples_.push_back(std::move(stage));
  return *this;
}

Catalog& Catalog::name_type(std::string name, const KnownType& type) {
  see(&type);
  for (const auto& [known, other] : type_names_) {
    if (known != name || equal(*other->type, *type.type)) continue;
    problems_.add(Code::invalid_flow, name,
                  "type name " + quoted(name) + " stands for " + display_name(*other->type) +
                      " already, it cannot for " + display_name(*type.type) + " too");
    return *this;
  }
  type_names_.emplace_back(std::move(name), &type);
  return *this;
}

// ---- asking

Built<Stage> Catalog::stage(const std::string& name, const Parameters& parameters) const {
  return find(stages_, tests_, "stage", "test", name, parameters);
}

Built<Test> Catalog::test(const std::string& name, const Parameters& parameters) const {
  return find(tests_, stages_, "test", "stage", name, parameters);
}

Built<Stage> Catalog::model(const std::string& name, const Need& need, const Type& takes) const {
  std::string known;
  for (const std::string& key : {name, std::string()}) {
    const auto found = models_.find(key);
    if (found == models_.end()) continue;
    for (const auto& m : found->second) {
      if (equal(*m.takes->type, takes)) return m.make({.name = name, .need = need, .variant = {}, .model = nullptr});
      known += (known.empty() ? "" : " or ") + type_name(*m.takes->type);
    }
  }
  if (!known.empty())
    return Problems(Code::type_mismatch, name,
                    "model " + quoted(name) + " takes " + known + ", got " + type_name(takes));
  return Problems(Code::unknown_name, name,
                  "there is no model named " + quoted(name) + " in the catalog" + nearest_hint(name, keys_of(models_)) +
                      "; add_model or default_model says what it takes and gives");
}

Built<Stage> Catalog::tuple(const std::vector<const Type*>& takes) const {
  for (const auto& stage : tuples_)
    if (same_types(stage.takes, takes)) return stage;
  std::string types;
  for (const auto* type : takes) types += (types.empty() ? "" : ", ") + type_name(*type);
  return Problems(Code::unknown_name, "tuple",
                  "no tuple of " + types + " is in the catalog; add it with catalog.add_tuple<...>()");
}

Built<const Type*> Catalog::type(const std::string& name) const {
  std::vector<std::string> known;
  for (const auto& [given, type] : type_names_) {
    if (given == name) return type->type;
    known.push_back(given);
  }
  for (const auto* type : types_) {
    known.push_back(display_name(*type->type));
    if (known.back() == name) return type->type;
  }
  return Problems(Code::unknown_name, name,
                  "there is no type named " + quoted(name) + " in the catalog" + nearest_hint(name, known) +
                      "; add_type<T>(\"" + name + "\") names one");
}

std::string Catalog::type_name(const Type& type) const {
  for (const auto& [given, known] : type_names_)
    if (equal(*known->type, type)) return given;
  return display_name(type);
}

const EachIn* Catalog::each_in(const Type& whole) const {
  for (const auto* t : types_)
    if (t->each_in && equal(*t->each_in->whole, whole)) return t->each_in;
  return nullptr;
}

const EachOut* Catalog::each_out(const Type& element, bool keeps_errors) const {
  for (const auto* t : types_)
    if (t->each_all && equal(*t->type, element)) return keeps_errors ? t->each_keep : t->each_all;
  return nullptr;
}

const ExitOps* Catalog::exit_ops(const Type& whole) const {
  for (const auto* t : types_)
    if (t->exit_ops && equal(*t->type, whole)) return t->exit_ops;
  return nullptr;
}

const Equality* Catalog::equality(const Type& type) const {
  for (const auto* t : types_)
    if (t->equality && equal(*t->type, type)) return t->equality;
  return nullptr;
}

std::string Catalog::describe() const {
  const auto takes = [&](const auto& entry) {
    std::string text;
    for (const auto* type : entry.takes) text += (text.empty() ? "" : ", ") + type_name(*type->type);
    return text;
  };
  std::string text;
  for (const auto& [name, entry] : stages_)
    text += name + rules_in_brackets(entry.rules) + ": " + takes(entry) + " -> " + type_name(*entry.gives->type) + "\n";
  for (const auto& [name, entry] : tests_)
    text += name + rules_in_brackets(entry.rules) + ": tests " + takes(entry) + "\n";
  return text;
}

}  // namespace tailrace
