#include <limits>
#include <vector>

#include "overload/scenario.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/flow.h"
#include "tailrace/load/driver.h"
#include "tailrace/sim/service.h"

namespace overload {
namespace {

// Seconds from when a request should have been sent; as fate_of wants them.
double latency_of(const tr::load::Sample& s) {
  if (s.code == tr::Code::none) return tr::to_seconds(s.latency);
  if (s.code == tr::Code::would_miss || s.code == tr::Code::overloaded) return -1;
  return std::numeric_limits<double>::infinity();
}

}  // namespace

Fate live(const Arm& arm, const Service& service, Wait wait, double load, std::uint64_t requests) {
  const auto flow = tr::flow<int>("serve", [&](tr::Stream<int> x) {
    auto serve = tr::sim::service<int>(service.time, {.seed = 3, .holds_worker = wait == Wait::thread});
    if (wait == Wait::thread) return x.then("serve", serve);
    return x.then("serve", tr::stage(serve, {.limit = places}));
  });
  auto engine = tr::start(flow, {.threads = places, .max_in_flight = 4096, .shed = arm.shed}).value();
  tr::Request request;
  if (arm.deadline) request.within = goal;
  tr::load::DriveOptions how;
  how.seed = 7;
  how.requests = requests;
  how.patience = 60s;
  how.spin = 200us;
  const auto report = tr::load::drive(tr::load::Poisson{load * capacity},
                                      tr::load::into(
                                          engine, [](std::uint64_t n) { return static_cast<int>(n); }, request),
                                      how)
                          .value();
  if (report.unanswered) throw bench::WrongAnswer{"a request has no outcome"};
  std::vector<double> latencies;
  for (const auto& s : report.samples) latencies.push_back(latency_of(s));
  Fate fate = fate_of(std::move(latencies), load, tr::to_seconds(report.samples.back().arrival));
  fate.rate = static_cast<double>(report.count(tr::Code::none)) / tr::to_seconds(report.time);
  return fate;
}

}  // namespace overload
