// Profiles as text.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "plan/json_fields.h"
#include "tailrace/plan/profile.h"

namespace tailrace {

namespace {

using detail::JsonValue;
using JsonKind = JsonValue::Kind;

using detail::longest_time;
constexpr std::size_t most_costs = 65536;
constexpr double most_calls = detail::most_counted;

// Reads one profile, and gives up at the first mistake.
class ProfileReader : detail::JsonFields {
 public:
  Built<Profile> read(const JsonValue& root) {
    Profile p;
    if (object(root, "a profile", {"profile", "measured", "wake", "hand_over", "costs"})) {
      text(root, "profile", p.flow);
      if (const auto* m = member(root, "measured")) read(*m, p.measured);
      if (const auto* t = member(root, "wake")) read(*t, "wake", p.wake);
      if (const auto* t = member(root, "hand_over")) read(*t, "hand_over", p.hand_over);
      if (const auto* list = member(root, "costs")) read(*list, p.costs);
    }
    if (failed()) return std::move(*this).problem();
    return p;
  }

 private:
  void read(const JsonValue& value, Measured& m) {
    if (!object(value, "'measured'", {"machine", "date", "compiler", "threads"})) return;
    text(value, "machine", m.machine);
    text(value, "date", m.date);
    text(value, "compiler", m.compiler);
    double threads = 0;
    number(value, "threads", 1 << 20, true, threads);
    m.threads = static_cast<unsigned>(threads);
  }

  void read(const JsonValue& value, const std::string& name, Times& t) {
    if (!object(value, "'" + name + "'", {"calls", "min", "mean", "p50", "p90", "p99", "spread"})) return;
    double calls = 0;
    number(value, "calls", most_calls, true, calls);
    t.calls = static_cast<std::uint64_t>(calls);
    for (auto [key, time] : {std::pair("min", &t.min),
                             {"mean", &t.mean},
                             {"p50", &t.p50},
                             {"p90", &t.p90},
                             {"p99", &t.p99},
                             {"spread", &t.spread}})
      number(value, key, longest_time, false, *time);
    if (!(t.min <= t.p50 && t.p50 <= t.p90 && t.p90 <= t.p99))
      refuse(value.at, "'min', 'p50', 'p90' and 'p99' must not fall, in this order");
    else if (t.mean < t.min) refuse(value.at, "'mean' is smaller than 'min'");
  }

  void read(const JsonValue& list, std::vector<Cost>& costs) {
    if (!expect(list, JsonKind::array, "'costs'")) return;
    if (list.items.size() > most_costs) return refuse(list.at, "more than " + std::to_string(most_costs) + " costs");
    std::vector<std::pair<Cost, detail::Position>> read_costs;
    for (const auto& item : list.items) {
      read_costs.emplace_back(Cost{}, item.at);
      read(item, read_costs.back().first);
      if (failed()) return;
    }
    const auto key = [](const auto& c) { return std::tie(c.first.where, c.first.variant); };
    std::stable_sort(read_costs.begin(), read_costs.end(),
                     [&](const auto& a, const auto& b) { return key(a) < key(b); });
    for (auto& c : read_costs) {
      if (!costs.empty() && costs.back().where == c.first.where && costs.back().variant == c.first.variant)
        return refuse(c.second, "the cost of '" + c.first.where + "' is given twice");
      costs.push_back(std::move(c.first));
    }
  }

  void read(const JsonValue& value, Cost& c) {
    if (!object(value, "a cost", {"where", "variant", "time", "bytes", "share", "of_input", "failures", "error"}))
      return;
    if (!value.find("where")) return refuse(value.at, "'where' is missing: the path of a stage");
    text(value, "where", c.where);
    text(value, "variant", c.variant);
    if (const auto* t = member(value, "time")) read(*t, "time", c.time);
    number(value, "bytes", 1e18, false, c.bytes);
    number(value, "share", 1e18, false, c.share);
    number(value, "of_input", 1, false, c.of_input);
    double failures = 0;
    number(value, "failures", most_calls, true, failures);
    c.failures = static_cast<std::uint64_t>(failures);
    text(value, "error", c.error);
  }
};

// ---- writing

using Json = nlohmann::ordered_json;

Json in_json(const Times& t) {
  return {{"calls", t.calls}, {"min", t.min}, {"mean", t.mean},    {"p50", t.p50},
          {"p90", t.p90},     {"p99", t.p99}, {"spread", t.spread}};
}
Json in_json(const Cost& c) {
  Json json;
  json["where"] = c.where;
  if (!c.variant.empty()) json["variant"] = c.variant;
  if (c.bytes != 0) json["bytes"] = c.bytes;
  if (c.share != 1) json["share"] = c.share;
  if (c.of_input >= 0) json["of_input"] = c.of_input;
  if (c.failures != 0) json["failures"] = c.failures;
  if (!c.error.empty()) json["error"] = c.error;
  if (c.time != Times{}) json["time"] = in_json(c.time);
  return json;
}
// A cost a line, so that two profiles can be compared by eye.
std::string in_text(const Profile& p) {
  const Measured& m = p.measured;
  std::string text =
      "{\n  \"profile\": " + Json(p.flow).dump() + ",\n  \"measured\": " +
      Json({{"machine", m.machine}, {"date", m.date}, {"compiler", m.compiler}, {"threads", m.threads}}).dump();
  if (p.wake != Times{}) text += ",\n  \"wake\": " + in_json(p.wake).dump();
  if (p.hand_over != Times{}) text += ",\n  \"hand_over\": " + in_json(p.hand_over).dump();
  text += ",\n  \"costs\": [";
  for (const auto& c : p.costs) text += (&c == p.costs.data() ? "\n    " : ",\n    ") + in_json(c).dump();
  return text + "]\n}\n";
}

}  // namespace

Built<Profile> read_profile(std::string_view text) {
  const auto root = detail::parse_json(text, {.bytes = std::size_t{16} << 20, .depth = 8, .values = 2000000});
  if (!root) return root.error();
  return ProfileReader().read(*root);
}

Built<std::string> write_profile(const Profile& given) {
  Profile profile = given;
  std::string text;
  try {
    for (Cost& c : profile.costs)
      if (!(c.of_input >= 0)) c.of_input = Cost{}.of_input;
    for (Cost& c : profile.costs)  // somebody's exception said it, in whatever encoding
      if (!c.error.empty())
        c.error = Json::parse(Json(c.error).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
    text = in_text(profile);
  } catch (const nlohmann::json::exception&) {
    return Problems(Code::bad_value, profile.flow, "a name in this profile is not UTF-8");
  }
  const auto read = read_profile(text);
  if (!read) return Problems(Code::bad_value, profile.flow, "cannot be written: " + read.error().list().front().what);
  if (*read != profile) return Problems(Code::bad_value, profile.flow, "cannot be written: its costs are not sorted");
  return text;
}

}  // namespace tailrace
