#include "hedging/scenario.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/sim/service.h"

namespace hedging {

using namespace std::chrono_literals;

const std::vector<Service>& services() {
  const auto lognormal = [](double median, double sigma) {
    return [=](double t) { return .5 * std::erfc(std::log(t / median) / sigma / std::sqrt(2.)); };
  };
  const auto gamma3 = [](double t) {
    const double x = t / (.01 / 3);
    return std::exp(-x) * (1 + x + x * x / 2);
  };
  const auto pareto = [](double t) { return t < .005 ? 1 : std::pow(.005 / t, 2.1); };
  const auto stalls = [](double t) {
    const auto uniform = [t](double from, double to) { return std::clamp((to - t) / (to - from), 0., 1.); };
    return .98 * uniform(.0072, .0088) + .02 * uniform(.09, .11);
  };
  static const std::vector<Service> all = {
      {"Gamma 3", tr::sim::gamma(3, 10000us / 3), gamma3},
      {"lognormal .5", tr::sim::lognormal(8ms, .5), lognormal(.008, .5)},
      {"lognormal 1", tr::sim::lognormal(6ms, 1), lognormal(.006, 1)},
      {"Pareto 2.1", tr::sim::pareto(5ms, 2.1), pareto},
      {"2 % stalls", tr::sim::mixture({{.98, tr::sim::uniform(7200us, 8800us)}, {.02, tr::sim::uniform(90ms, 110ms)}}),
       stalls}};
  return all;
}

double p99_of(const std::function<double(double)>& above) {
  double low = 0, high = 10;
  for (int i = 0; i < 100; ++i) (above((low + high) / 2) > .01 ? low : high) = (low + high) / 2;
  return low;
}

tr::Plan<int, int> plan_of(const Cell& cell, const tr::PolicyUse& policy) {
  const auto replica = tr::sim::service<int>(
      cell.service->time, {.seed = 1, .holds_worker = cell.holds_worker, .looks_every = cell.looks_every});
  const auto flow = tr::flow<int>("replicas", [&](tr::Stream<int> x) {
    return tr::hedge("call", x, policy,
                     tr::stage(replica, {.replicable = true, .limit = cell.holds_worker ? 0 : cell.replicas}));
  });
  return tr::optimise(flow).value();
}

double arrivals_per_second(const Cell& cell) { return cell.load * cell.replicas / cell.service->time.mean(); }

tr::sim::Report simulate(const Cell& cell, const tr::PolicyUse& policy, std::uint64_t requests, std::uint64_t seed) {
  return tr::sim::simulate(plan_of(cell, policy), tr::sim::Workload<int>{tr::load::Poisson{arrivals_per_second(cell)}},
                           {.seed = seed,
                            .workers = cell.replicas,
                            .requests = requests,
                            .warm_up = requests / 20,
                            .max_in_flight = 1 << 14})
      .value();
}

tr::PolicyUse fixed(double delay_ms) { return {"fixed", {{"delay_ms", delay_ms}}}; }

std::string name_of(const tr::PolicyUse& policy) {
  if (policy.name != "fixed") return policy.name;
  return bench::text(policy.parameters.number("delay_ms", 0), 1) + " ms";
}

tr::PolicyUse best_fixed(const Cell& cell, std::uint64_t requests) {
  constexpr std::uint64_t seed = 1000;
  tr::PolicyUse best{"never"};
  auto least = simulate(cell, best, requests, seed).latency.p99;
  const double mean = 1e3 * cell.service->time.mean();
  for (const double share : {.3, .6, .8, 1., 1.2, 1.5, 2., 3., 4.5}) {
    const auto delay = fixed(share * mean);
    const auto p99 = simulate(cell, delay, requests, seed).latency.p99;
    if (p99 >= least) continue;
    least = p99;
    best = delay;
  }
  return best;
}

void for_each_cell(std::size_t n, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto take = [&] {
    for (std::size_t i = next++; i < n; i = next++) work(i);
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < std::max(1u, std::thread::hardware_concurrency()); ++i) others.emplace_back(take);
  take();
}

}  // namespace hedging
