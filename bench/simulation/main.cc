// How fast simulations run, and how near to what queueing theory says.
#include <chrono>
#include <cmath>

#include "support/program.h"
#include "tailrace/flow/flow.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/sim/service.h"
#include "tailrace/sim/simulate.h"

namespace simulation {
namespace {

using namespace std::chrono_literals;
using bench::Results, bench::text;
namespace tr = tailrace;

struct Queue {
  unsigned workers;
  double busy;  // share of them
  double rate() const { return busy * workers * 1000; }
};

// Exponential services of 1 ms, Poisson arrivals.
tr::sim::Report run(const Queue& queue, std::uint64_t requests, std::uint64_t seed) {
  const auto flow = tr::flow<int>(
      "queue", [](tr::Stream<int> x) { return x.then("serve", tr::sim::service<int>(tr::sim::exponential(1ms))); });
  return tr::sim::simulate(tr::optimise(flow).value(), tr::sim::Workload<int>{tr::load::Poisson{queue.rate()}},
                           {.seed = seed, .workers = queue.workers, .requests = requests, .warm_up = 10000})
      .value();
}

// Mean and p99 of the time in the system, seconds. M/M/1: exponential. M/M/2: Erlang's C.
struct Exact {
  double mean, p99;
};
Exact exact(const Queue& queue) {
  const double free = queue.workers * 1000 - queue.rate();
  if (queue.workers == 1) return {1 / free, std::log(100.) / free};
  const double waits = 2 * queue.busy * queue.busy / (1 + queue.busy);
  // P(wait + service > t); of those who wait, the two exponentials add up, also where both have one rate.
  const auto longer = [&](double t) {
    const double ratio = std::abs(free - 1000) < 1e-6 ? t : std::expm1((1000 - free) * t) / (1000 - free);
    return std::exp(-1000 * t) * (1 + waits * 1000 * ratio);
  };
  double low = 0, high = 1;
  for (int i = 0; i < 100; ++i) {
    const double t = (low + high) / 2;
    (longer(t) > .01 ? low : high) = t;
  }
  return {1e-3 + waits / free, low};
}

void smoke() {
  const auto one = run({2, .7}, 20000, 1), again = run({2, .7}, 20000, 1);
  if (tr::sim::to_json(one) != tr::sim::to_json(again)) throw bench::WrongAnswer{"one seed gave two reports"};
  if (std::abs(tr::to_seconds(one.latency.mean) / exact({2, .7}).mean - 1) > .1)
    throw bench::WrongAnswer{"a mean is more than 10 % off"};
}

// Means over seeds, with the standard error that their differences show.
struct Estimate {
  double sum = 0, squares = 0;
  int n = 0;
  void add(double x) {
    sum += x;
    squares += x * x;
    ++n;
  }
  double mean() const { return sum / n; }
  double error() const { return std::sqrt(std::max(0., squares / n - mean() * mean()) / (n - 1)); }
};

void accuracy(Results& r) {
  constexpr int seeds = 16;
  constexpr std::uint64_t requests = 2000000;
  bench::Table table{"Simulated queues against theory",
                     "Means over " + std::to_string(seeds) + " seeds of " + std::to_string(requests) +
                         " requests each, in units of the mean service; standard errors in %.",
                     {"queue", "busy", "mean", "exact", "off, %", "error, %", "p99", "exact", "off, %", "error, %"},
                     {}};
  for (const Queue queue : {Queue{1, .5}, Queue{1, .7}, Queue{2, .5}, Queue{2, .7}}) {
    Estimate mean, p99;
    for (int seed = 1; seed <= seeds; ++seed) {
      const auto report = run(queue, requests, static_cast<std::uint64_t>(seed));
      mean.add(tr::to_seconds(report.latency.mean));
      p99.add(tr::to_seconds(report.latency.p99));
    }
    const std::string name = "M/M/" + std::to_string(queue.workers);
    std::vector<std::string> row = {name, text(queue.busy, 1)};
    for (const auto& [estimate, truth, what] :
         {std::tuple(&mean, exact(queue).mean, "mean"), {&p99, exact(queue).p99, "p99"}}) {
      const double off = 100 * (estimate->mean() / truth - 1);
      for (const double x : {1000 * estimate->mean(), 1000 * truth, off, 100 * estimate->error() / truth})
        row.push_back(text(x, 3));
      r.figures.push_back({"sim." + std::string(what) + "_mm" + std::to_string(queue.workers) + "_" +
                               std::to_string(static_cast<int>(100 * queue.busy)),
                           std::string(what) + " of the time in " + name + ", workers " +
                               std::to_string(static_cast<int>(100 * queue.busy)) + " % busy, off the exact one",
                           std::abs(off), .5, "%", false});
    }
    table.rows.push_back(std::move(row));
  }
  r.tables.push_back(std::move(table));
}

void measure(const bench::Options& options, Results& r) {
  constexpr std::uint64_t requests = 300000;
  const auto once = [&](std::size_t) {
    const auto before = std::chrono::steady_clock::now();
    run({2, .7}, requests, 1);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - before;
    return took.count() / requests;
  };
  const auto c = bench::take_turns(1, once, options);
  const double median = bench::stats(c.arms[0]).median;
  r.figures.push_back({"sim.request", "a simulated request of one stage with two workers, 70 % busy (300,000 a second)",
                       median, 1e9 / 300000, "ns", !c.quiet});
  r.figures.push_back(
      {"sim.rate", "simulated requests a second on one core, the same", 1e9 / median, {}, "1/s", !c.quiet});
  accuracy(r);
}

}  // namespace
}  // namespace simulation

int main(int argc, char** argv) {
  return bench::run_program({"simulation", "Simulation", simulation::smoke, simulation::measure}, argc, argv);
}
