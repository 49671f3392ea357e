#include <cmath>
#include <nlohmann/json.hpp>

#include "tailrace/load/compare.h"

namespace tailrace::load {
namespace {

using Json = nlohmann::ordered_json;

// "p99.9"
std::string key_of(double share) {
  std::string text = "p" + Json(std::round(share * 1e5) / 1e3).dump();
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

Json json_of(const Latencies& l) {
  Json json = {{"count", l.count}, {"mean", to_seconds(l.mean)}};
  for (const Quantile& q : l.quantiles) {
    json[key_of(q.share)] = to_seconds(q.value);
    json[key_of(q.share) + "_low"] = to_seconds(q.low);
    json[key_of(q.share) + "_high"] = q.high ? Json(to_seconds(*q.high)) : Json();
  }
  json["max"] = to_seconds(l.max);
  return json;
}

Json json_of(const DriveReport& r) {
  Json outcomes = Json::array();
  for (const auto& o : r.outcomes)
    outcomes.push_back(
        {{"code", o.code == Code::none ? "answered" : tailrace::name(o.code)}, {"requests", o.requests}});
  return {{"seed", r.seed},
          {"requests", r.requests},
          {"warm_up", r.warm_up},
          {"seconds", to_seconds(r.time)},
          {"end", name(r.end)},
          {"rate", r.rate()},
          {"outcomes", outcomes},
          {"unanswered", r.unanswered},
          {"anytime", r.anytime},
          {"fallback", r.fallback},
          {"late", r.late},
          {"latency", json_of(r.latency)},
          {"goal", to_seconds(r.goal)},
          {"good", r.good},
          {"goodput", r.goodput()},
          {"lateness", json_of(r.lateness)},
          {"foreign", r.foreign ? Json(*r.foreign) : Json()}};
}

std::string text_of(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

std::string to_json(const DriveReport& report) { return text_of(json_of(report)); }

std::string to_json(const Comparison& c) {
  Json ratios = Json::array();
  for (const Ratio& r : c.ratios)
    ratios.push_back({{"what", r.what},
                      {"median", r.median.value},
                      {"low", r.median.low},
                      {"high", r.median.high},
                      {"differ", c.differ(r)},
                      {"rounds", r.rounds}});
  return text_of({{"a", {{"name", c.a}, {"report", json_of(c.of_a)}}},
                  {"b", {{"name", c.b}, {"report", json_of(c.of_b)}}},
                  {"ratios", ratios}});
}

}  // namespace tailrace::load
