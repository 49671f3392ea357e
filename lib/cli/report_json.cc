#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/demo.h"

namespace tailrace::cli {

namespace {

using Json = nlohmann::ordered_json;

double rounded(double x, double digits) { return std::round(x * digits) / digits; }

Json arm(const ArmFigures& a) {
  return {{"accuracy", rounded(a.accuracy, 1e5)},
          {"p50_us", rounded(a.p50_us, 1e2)},
          {"p99_us", rounded(a.p99_us, 1e2)},
          {"per_second", std::round(a.per_second)}};
}

Json figures_of(const SeedFigures& s) {
  Json json;
  json["threshold"] = rounded(s.threshold, 1e4);
  json["tiny_alone"] = arm(s.tiny);
  json["large_alone"] = arm(s.large);
  json["cascade"] = arm(s.cascade);
  json["many_at_once_per_second"] = std::round(s.many_per_second);
  json["accuracy_gap_points"] = rounded(100 * (s.large.accuracy - s.cascade.accuracy), 1e3);
  json["share_large"] = rounded(s.cascade.share_large, 1e5);
  json["share_early"] = rounded(1 - s.cascade.share_large, 1e5);
  json["speed_up"] = rounded(s.speed_up, 1e3);
  json["speed_up_bound"] = rounded(s.bound, 1e3);
  return json;
}

}  // namespace

std::string report_json(const DemoFigures& figures) {
  Json json;
  json["demo"] = "digits";
  json["version"] = TAILRACE_VERSION;
  json["data"] = {{"train", figures.train}, {"validation", figures.validation}, {"test", figures.test}};
  json["threads"] = figures.threads;
  for (const auto& seed : figures.seeds) {
    Json one;
    one["seed"] = seed.seed;
    one["flow"] = seed.flow;
    one.update(figures_of(seed));
    json["seeds"].push_back(std::move(one));
  }
  json["mean"] = figures_of(mean(figures.seeds));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tailrace::cli
