#include "plan/json_fields.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace tailrace::detail {

namespace {
constexpr std::size_t longest_text = 16000;
std::string quoted(const char* key) { return std::string("'") + key + "'"; }
}  // namespace

void JsonFields::refuse(Position at, std::string what) {
  if (!problem_) problem_.emplace(Code::bad_file, in_words(at), std::move(what));
}

bool JsonFields::expect(const JsonValue& value, JsonValue::Kind kind, const std::string& what) {
  if (value.is(kind)) return true;
  refuse(value.at, what + " must be " + std::string(in_words(kind)) + ", got " + std::string(in_words(value.kind)));
  return false;
}

bool JsonFields::object(const JsonValue& value, const std::string& what, const std::vector<std::string>& known) {
  if (!expect(value, JsonValue::Kind::object, what)) return false;
  for (const auto& m : value.members) {
    if (std::find(known.begin(), known.end(), m.name) != known.end()) continue;
    const std::string name = m.name.substr(0, 60);
    refuse(m.at, what + " has no '" + name + "'" + nearest_hint(name, known));
    return false;
  }
  return true;
}

const JsonValue* JsonFields::member(const JsonValue& value, const char* key) const {
  const auto* m = problem_ ? nullptr : value.find(key);
  return m ? &m->value : nullptr;
}

void JsonFields::text(const JsonValue& value, const char* key, std::string& to) {
  const JsonValue* v = member(value, key);
  if (!v || !expect(*v, JsonValue::Kind::string, quoted(key))) return;
  if (v->text.size() > longest_text)
    return refuse(v->at, quoted(key) + " is longer than " + std::to_string(longest_text) + " bytes");
  to = v->text;
}

void JsonFields::number(const JsonValue& value, const char* key, double most, bool whole, double& to) {
  const JsonValue* v = member(value, key);
  if (!v || !expect(*v, JsonValue::Kind::number, quoted(key))) return;
  if (!(v->number >= 0 && v->number <= most) || (whole && v->number != std::floor(v->number)))
    return refuse(v->at, quoted(key) + " must be " + (whole ? "a whole number" : "a number") + " from 0 to " +
                             std::to_string(static_cast<std::uint64_t>(most)));
  to = v->number;
}

void JsonFields::flag(const JsonValue& value, const char* key, bool& to) {
  const JsonValue* v = member(value, key);
  if (v && expect(*v, JsonValue::Kind::boolean, quoted(key))) to = v->truth;
}

const std::vector<JsonValue>* JsonFields::list(const JsonValue& value, const char* key, std::size_t most) {
  const JsonValue* v = member(value, key);
  if (!v || !expect(*v, JsonValue::Kind::array, quoted(key))) return nullptr;
  if (v->items.size() <= most) return &v->items;
  refuse(v->at, quoted(key) + " has more than " + std::to_string(most) + " items");
  return nullptr;
}

}  // namespace tailrace::detail
