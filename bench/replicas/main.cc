// Replicas of one stage that race: how much sooner the first of several answers, and what the others cost.
#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "support/live.h"
#include "support/program.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/sim/service.h"
#include "tailrace/sim/simulate.h"

namespace replicas {
namespace {

using namespace std::chrono_literals;
using bench::Results, bench::text;
namespace tr = tailrace;

constexpr tr::Duration looks = 4ms;  // how often losers look whether they may end

struct Service {
  std::string name;
  tr::sim::Distribution time;
  std::function<double(double)> above;  // P(longer than t seconds)
};

std::vector<Service> services() {
  std::vector<Service> all;
  for (const int theta : {1, 2, 4})
    all.push_back({"Gamma 3, theta " + std::to_string(theta), tr::sim::gamma(3, theta * 10ms), [theta](double t) {
                     const double x = t / (.01 * theta);
                     return std::exp(-x) * (1 + x + x * x / 2);
                   }});
  all.push_back({"lognormal 1", tr::sim::lognormal(26700us, 1),
                 [](double t) { return .5 * std::erfc(std::log(t / .0267) / std::sqrt(2.)); }});
  all.push_back(
      {"5 % stalls", tr::sim::mixture({{.95, tr::sim::uniform(27ms, 33ms)}, {.05, tr::sim::uniform(100ms, 300ms)}}),
       [](double t) {
         const auto above = [t](double from, double to) { return std::clamp((to - t) / (to - from), 0., 1.); };
         return .95 * above(.027, .033) + .05 * above(.1, .3);
       }});
  return all;
}

// Where P(the first of `n` takes longer than t) falls to `share`.
double ideal(const Service& s, unsigned n, double share) {
  const double one = std::pow(share, 1. / n);
  double low = 0, high = 100;
  for (int i = 0; i < 100; ++i) (s.above((low + high) / 2) > one ? low : high) = (low + high) / 2;
  return low;
}
// The mean of the first of `n`, the integral of P(longer).
double ideal_mean(const Service& s, unsigned n) {
  constexpr double step = 1e-4;
  double sum = 0;
  for (double t = step / 2; t < 20; t += step) sum += std::pow(s.above(t), n) * step;
  return sum;
}

// map -> sleep -> map, the middle one in `N` replicas.
template <std::size_t... I>
tr::Plan<int, int> plan_of(const Service& s, tr::Duration looks_every, std::index_sequence<I...>) {
  const auto replica = [&](std::size_t) {
    return tr::sim::service<int>(s.time, {.seed = 1, .holds_worker = false, .looks_every = looks_every});
  };
  const auto next = [](int i) { return i + 1; };
  const auto back = [](int i) { return i - 1; };
  const auto flow = tr::flow<int>("w2", [&](tr::Stream<int> x) {
    if constexpr (sizeof...(I) == 1) return x.then("before", next).then("sleep", replica(0)).then("after", back);
    else return tr::race("sleep", x.then("before", next), replica(I)...).then("after", back);
  });
  return tr::optimise(flow).value();
}
using Make = tr::Plan<int, int> (*)(const Service&, tr::Duration);
template <std::size_t N>
tr::Plan<int, int> with(const Service& s, tr::Duration looks_every) {
  return plan_of(s, looks_every, std::make_index_sequence<N>());
}
constexpr std::pair<unsigned, Make> sizes[] = {{1, with<1>}, {2, with<2>}, {3, with<3>}, {4, with<4>},
                                               {5, with<5>}, {6, with<6>}, {7, with<7>}, {8, with<8>}};

tr::load::Arrivals often() { return tr::load::Poisson{800}; }

tr::sim::Report simulated(const tr::Plan<int, int>& plan, std::uint64_t requests) {
  return tr::sim::simulate(plan, tr::sim::Workload<int>{often(), [](std::uint64_t n) { return static_cast<int>(n); }},
                           {.seed = 1, .workers = 8, .requests = requests})
      .value();
}
// Seconds of all replicas, per request.
double work(const tr::sim::Report& report) {
  double sum = 0;
  for (const auto& stage : report.stages) sum += stage.running;
  return sum * tr::to_seconds(report.time) / static_cast<double>(report.requests);
}

void smoke() {
  const Service s = services()[0];
  for (const auto& [n, make] : sizes) {
    const auto report = simulated(make(s, looks), 20000);
    if (std::abs(tr::to_seconds(report.latency.p50) / ideal(s, n, .5) - 1) > .03)
      throw bench::WrongAnswer{"a median is not the order statistic's"};
  }
  if (bench::run_live(with<2>(s, looks), often(), 100, 1).latency.count != 100)
    throw bench::WrongAnswer{"a live answer is missing"};
}

std::string ms(tr::Duration time) { return text(1e3 * tr::to_seconds(time), 1); }

void measure(const bench::Options&, Results& results) {
  constexpr std::uint64_t many = 100000, live_requests = 1200;
  bench::Table table{
      "W2: 1 to 8 replicas that race",
      "Times in ms; work in units of one call. Ideal: order statistics, and losers that end at once. Simulated: " +
          std::to_string(many) + " requests, losers look every 4 ms, or run on. Live: the first " +
          std::to_string(live_requests) + " of these, sleeping; beside them what the simulator says of the same ones.",
      {"service", "replicas", "ideal p50", "p99", "work", "simulated p50", "p99", "work", "work, run on", "live p50",
       "p99", "work", "simulated p50", "p99"},
      {}};
  double worst_simulated = 0, worst_live = 0;
  const bench::ForeignLoad foreign;
  for (const Service& s : services())
    for (const auto& [n, make] : sizes) {
      const double p50 = ideal(s, n, .5), p99 = ideal(s, n, .01), mean = s.time.mean();
      const auto killed = simulated(make(s, looks), many), runs_on = simulated(make(s, {}), many);
      const auto few = simulated(make(s, looks), live_requests);
      const auto live = bench::run_live(make(s, looks), often(), live_requests, 1);
      worst_simulated = std::max(worst_simulated, 100 * std::abs(tr::to_seconds(killed.latency.p99) / p99 - 1));
      worst_live =
          std::max(worst_live, 100 * std::abs(tr::to_seconds(live.latency.p99) / tr::to_seconds(few.latency.p99) - 1));
      table.rows.push_back({s.name, std::to_string(n), text(1e3 * p50, 1), text(1e3 * p99, 1),
                            text(n * ideal_mean(s, n) / mean), ms(killed.latency.p50), ms(killed.latency.p99),
                            text(work(killed) / mean), text(work(runs_on) / mean), ms(live.latency.p50),
                            ms(live.latency.p99), text(live.work / mean), ms(few.latency.p50), ms(few.latency.p99)});
    }
  const bool disturbed = foreign.share() > .01;
  results.figures.push_back({"w2.simulated",
                             "p99 of 1 to 8 racing replicas off their order statistics, simulated, worst",
                             worst_simulated, 5., "%", false});
  results.figures.push_back({"w2.live", "p99 of the same live, off the simulator's of the same requests, worst",
                             worst_live, 10., "%", disturbed});
  results.tables.push_back(std::move(table));
}

}  // namespace
}  // namespace replicas

int main(int argc, char** argv) {
  return bench::run_program({"replicas", "Racing replicas", replicas::smoke, replicas::measure}, argc, argv);
}
