// The same plans, arrivals and draws live, where services sleep, and simulated.
#include <algorithm>
#include <cmath>

#include "support/live.h"
#include "support/program.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/sim/service.h"
#include "tailrace/sim/simulate.h"

namespace fidelity {
namespace {

using namespace std::chrono_literals;
using bench::Results, bench::text;
namespace tr = tailrace;

auto sleeps(tr::sim::Distribution time, std::uint64_t seed, unsigned limit) {
  return tr::stage(tr::sim::service<int>(std::move(time), {.seed = seed, .holds_worker = false, .looks_every = 2ms}),
                   {.replicable = true, .limit = limit});
}

struct Scenario {
  std::string name;
  tr::Plan<int, int> plan;
  double capacity;  // requests a second
  unsigned places;  // of all stages
};
template <class Build>
tr::Plan<int, int> plan(Build build) {
  return tr::optimise(tr::flow<int>("fidelity", build)).value();
}
std::vector<Scenario> scenarios() {
  return {{"chain, limits 2 and 4", plan([](tr::Stream<int> x) {
             return x.then("first", sleeps(tr::sim::gamma(3, 2ms), 1, 2))
                 .then("second", sleeps(tr::sim::lognormal(8ms, .5), 2, 4));
           }),
           2 / .006, 6},
          {"race of two, limit 4 each", plan([](tr::Stream<int> x) {
             return tr::race("r", x, sleeps(tr::sim::lognormal(10ms, 1), 1, 4),
                             sleeps(tr::sim::lognormal(10ms, 1), 1, 4));
           }),
           4 / .0114, 8},
          {"hedge after 15 ms, limit 4", plan([](tr::Stream<int> x) {
             return tr::hedge("h", x, {"fixed", {{"delay_ms", 15}}}, sleeps(tr::sim::lognormal(8ms, 1), 1, 4));
           }),
           4 / .0132, 4}};
}

struct Both {
  tr::sim::Report simulated;
  bench::LiveRun live;
  // Mean calls at the same time, up to the last arrival.
  double running() const {
    double sum = 0;
    for (const auto& stage : simulated.stages) sum += stage.running;
    return sum;
  }
};
Both run(const Scenario& s, double load, std::uint64_t requests) {
  const tr::load::Arrivals arrivals = tr::load::Poisson{load * s.capacity};
  const tr::sim::Workload<int> work{arrivals, [](std::uint64_t n) { return static_cast<int>(n); }};
  return {tr::sim::simulate(s.plan, work, {.seed = 1, .workers = 2, .requests = requests}).value(),
          bench::run_live(s.plan, arrivals, requests, 1)};
}

void smoke() {
  for (const Scenario& s : scenarios()) {
    const Both both = run(s, .5, 100);
    if (both.simulated.latency.count != 100 || both.live.latency.count != 100)
      throw bench::WrongAnswer{"an answer is missing"};
  }
}

void measure(const bench::Options&, Results& results) {
  constexpr std::uint64_t requests = 5000;
  bench::Table table{"Live and simulated",
                     std::to_string(requests) +
                         " requests, the same arrivals and draws in both; p50 and p99 in ms, utilisation of all places "
                         "and copies per request in %.",
                     {"plan", "load", "p50 live", "simulated", "p99 live", "simulated", "utilisation live", "simulated",
                      "copies live", "simulated", "worst off, %", "sender late, us"},
                     {}};
  double worst = 0;
  const bench::ForeignLoad foreign;
  for (const Scenario& s : scenarios())
    for (const double load : {.4, .7}) {
      const auto [simulated, live] = run(s, load, requests);
      const double busy = Both{simulated, live}.running() / s.places, live_busy = live.busy / s.places;
      double off = 0;
      std::vector<std::string> row = {s.name, text(load, 1)};
      const auto compare = [&](double is, double said) {
        if (said > 0) off = std::max(off, 100 * std::abs(is / said - 1));
        row.push_back(text(is, 1));
        row.push_back(text(said, 1));
      };
      compare(1e3 * tr::to_seconds(live.latency.p50), 1e3 * tr::to_seconds(simulated.latency.p50));
      compare(1e3 * tr::to_seconds(live.latency.p99), 1e3 * tr::to_seconds(simulated.latency.p99));
      compare(100 * live_busy, 100 * busy);
      compare(100 * live.duplicates, 100 * simulated.duplicates());
      row.push_back(text(off, 1));
      row.push_back(text(1e6 * tr::to_seconds(live.late), 0));
      worst = std::max(worst, off);
      table.rows.push_back(std::move(row));
    }
  results.figures.push_back({"fidelity",
                             "p50, p99, utilisation and copies live, off the simulation of the same plan, "
                             "arrivals and draws, worst",
                             worst, 10., "%", foreign.share() > .05});
  results.tables.push_back(std::move(table));
}

}  // namespace
}  // namespace fidelity

int main(int argc, char** argv) {
  return bench::run_program({"fidelity", "Simulations beside live runs", fidelity::smoke, fidelity::measure}, argc,
                            argv);
}
