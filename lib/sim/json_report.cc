#include <nlohmann/json.hpp>

#include "tailrace/sim/report.h"

namespace tailrace::sim {

std::string to_json(const Report& r) {
  using Json = nlohmann::ordered_json;
  const Latencies& l = r.latency;
  Json outcomes = Json::array(), stages = Json::array(), queues = Json::array();
  for (const auto& o : r.outcomes) {
    Json one = {{"code", o.code == Code::none ? "answered" : name(o.code)}, {"requests", o.requests}};
    if (!o.example.empty()) one["example"] = o.example;
    outcomes.push_back(std::move(one));
  }
  for (const auto& s : r.stages) {
    Json one = {{"where", s.where}, {"calls", s.calls}, {"running", s.running}, {"wasted", s.wasted}};
    if (s.places) one.update({{"places", s.places}, {"utilisation", s.utilisation()}});
    stages.push_back(std::move(one));
  }
  for (const auto& q : r.queues) queues.push_back({{"where", q.where}, {"mean", q.mean}, {"most", q.most}});
  const Json report = {
      {"flow", r.flow},
      {"seed", r.seed},
      {"requests", r.requests},
      {"seconds", to_seconds(r.time)},
      {"outcomes", outcomes},
      {"anytime", r.anytime},
      {"fallback", r.fallback},
      {"late", r.late},
      {"hedges",
       {{"copies", r.copies}, {"won", r.copies_won}, {"refused", r.copies_refused}, {"duplicates", r.duplicates()}}},
      {"wasted", r.wasted()},
      {"latency",
       {{"count", l.count},
        {"mean", to_seconds(l.mean)},
        {"p50", to_seconds(l.p50)},
        {"p90", to_seconds(l.p90)},
        {"p99", to_seconds(l.p99)},
        {"p99.9", to_seconds(l.p999)},
        {"max", to_seconds(l.max)}}},
      {"workers", {{"count", r.workers}, {"busy", r.held}, {"utilisation", r.worker_utilisation()}}},
      {"in_flight", {{"mean", r.in_flight}, {"most", r.most_in_flight}}},
      {"stages", stages},
      {"queues", queues}};
  return report.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tailrace::sim
