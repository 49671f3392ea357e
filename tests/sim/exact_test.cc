// Simulations against what queueing theory says, and against independent recursions over the same draws.
// checks: virtual-simulate
#include <catch2/catch.hpp>
#include <cmath>
#include <sstream>

#include "support/sanitized.h"
#include "support/steps.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/sim/service.h"
#include "tailrace/sim/simulate.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

// Under a sanitizer fewer requests, and bounds as much wider as their standard errors are.
constexpr std::uint64_t share = sanitized ? 25 : 1;
const double bound = .005 * std::sqrt(static_cast<double>(share));

template <class Build>
sim::Report simulate_it(Build build, double rate, unsigned workers, std::uint64_t requests,
                        std::ostream* raw = nullptr) {
  const auto plan = optimise(from_int(build)).value();
  return sim::simulate(plan, sim::Workload<int>{load::Poisson{rate}},
                       {.seed = 1, .workers = workers, .requests = requests, .warm_up = raw ? 0u : 1000u, .raw = raw})
      .value();
}
auto exponential() { return sim::service<int>(sim::exponential(1ms)); }
const auto one_stage = [](Stream<int> x) { return x.then("s", exponential()); };

void agree(const sim::Report& r, double mean, double p99) {
  const double mean_off = to_seconds(r.latency.mean) / mean - 1, p99_off = to_seconds(r.latency.p99) / p99 - 1;
  INFO("mean off by " << 100 * mean_off << " %, p99 by " << 100 * p99_off << " %");
  CHECK(std::abs(mean_off) < bound);
  CHECK(std::abs(p99_off) < bound);
}

// Where P(longer than t) falls to one in a hundred.
template <class Tail>
double p99_of(Tail tail) {
  double low = 0, high = 1;
  for (int i = 0; i < 100; ++i) (tail((low + high) / 2) > .01 ? low : high) = (low + high) / 2;
  return low;
}

// Arrivals and latencies of a simulation's requests, in the order in which they came.
std::vector<std::pair<Duration, Duration>> rows(const std::string& csv) {
  std::vector<std::pair<Duration, Duration>> list;
  std::istringstream in(csv);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::size_t number;
    std::int64_t arrival, latency;
    char comma;
    fields >> number >> comma >> arrival >> comma >> latency;
    if (list.size() <= number) list.resize(number + 1);
    list[number] = {Duration(arrival), Duration(latency)};
  }
  return list;
}

}  // namespace

// Standard errors, from 20 seeds: of the mean 0.16 %, of p99 0.27 %.
TEST_CASE("exact: M/M/1") {
  const auto r = simulate_it(one_stage, 300, 1, 2000000 / share);
  const double left =
      1000 - 300;  // the time in the system is exponential, at the rate of service less that of arrivals
  agree(r, 1 / left, std::log(100.) / left);
  CHECK(r.worker_utilisation() == Approx(.3).epsilon(bound));
  CHECK(r.in_flight == Approx(.3 / .7).epsilon(2 * bound));
  REQUIRE(r.queues.size() == 1);
  CHECK(r.queues[0].mean == Approx(.3 * .3 / .7).epsilon(4 * bound));
}

// Standard errors, from 20 seeds: of the mean 0.15 %, of p99 0.27 %.
TEST_CASE("exact: M/M/2") {
  const double busy = .4, rate = 2 * busy * 1000;
  const auto r = simulate_it(one_stage, rate, 2, 2000000 / share);
  const double waits = 2 * busy * busy / (1 + busy);  // Erlang's C for two: the probability of having to wait
  const double free = 2000 - rate;                    // those who wait do so exponentially, at this rate
  const double weight = waits * 1000 / (1000 - free);
  agree(r, 1e-3 + waits / free,
        p99_of([&](double t) { return (1 - weight) * std::exp(-1000 * t) + weight * std::exp(-free * t); }));
  CHECK(r.worker_utilisation() == Approx(busy).epsilon(bound));
  REQUIRE(r.stages.size() == 1);
  CHECK(r.stages[0].utilisation() == Approx(busy).epsilon(bound));
}

// The same queue, where a limit makes it instead of the workers.
TEST_CASE("exact: M/M/2 at a station") {
  const auto limited = [](Stream<int> x) {
    return x.then("s", stage(sim::service<int>(sim::exponential(1ms), {.holds_worker = false}), {.limit = 2}));
  };
  std::ostringstream by_limit, by_workers;
  const auto r = simulate_it(limited, 1600, 1, 20000, &by_limit);
  simulate_it(one_stage, 1600, 2, 20000, &by_workers);
  CHECK(rows(by_limit.str()) == rows(by_workers.str()));
  REQUIRE(r.stages.size() == 1);
  CHECK((r.stages[0].places == 2 && r.stages[0].utilisation() == Approx(.8).epsilon(.03)));
  REQUIRE(r.queues.size() == 2);
  CHECK((r.queues[1].where == "s" && r.queues[1].mean > 1 && r.queues[0].most == 0));
}

// Standard errors: of the mean 0.11 %, of p99 0.24 %, since the requests are independent.
TEST_CASE("exact: the first of two exponential times is exponential, at twice the rate") {
  const auto raced = [](Stream<int> x) { return race("r", x, exponential(), exponential()); };
  agree(simulate_it(raced, 1, 16, 800000 / share), .5e-3, .5e-3 * std::log(100.));
}

// Lindley's recursion: a request starts when it has come and the one before it is done.
TEST_CASE("exact: every request of a queue, with the draws known") {
  std::ostringstream csv;
  const auto r = simulate_it(one_stage, 900, 1, 100000 / share, &csv);
  const std::uint64_t first = seed_of({1, number_of("requests")});
  TimePoint free{};
  std::uint64_t number = 0, wrong = 0;
  for (const auto& [arrival, latency] : rows(csv.str())) {
    Random random(seed_of({0, first + number++, number_of("s"), 0}));
    free = std::max(free, TimePoint(arrival)) + sim::exponential(1ms).draw(random);
    wrong += free - TimePoint(arrival) != latency;
  }
  CHECK(number == r.requests);
  CHECK(wrong == 0);
}

// Kiefer and Wolfowitz: it starts at the worker that is free first.
TEST_CASE("exact: every request of a queue with two workers and two stages") {
  const auto two = [](Stream<int> x) {
    return x.then("a", exponential()).then("b", sim::service<int>(sim::constant(300us)));
  };
  std::ostringstream csv;
  simulate_it(two, 1200, 2, 50000 / share, &csv);
  const std::uint64_t first = seed_of({1, number_of("requests")});
  TimePoint free[2] = {};
  std::uint64_t number = 0, wrong = 0;
  for (const auto& [arrival, latency] : rows(csv.str())) {
    Random random(seed_of({0, first + number++, number_of("a"), 0}));
    TimePoint& worker = free[0] <= free[1] ? free[0] : free[1];
    worker = std::max(worker, TimePoint(arrival)) + sim::exponential(1ms).draw(random) + 300us;
    wrong += worker - TimePoint(arrival) != latency;
  }
  CHECK(number == 50000 / share);
  CHECK(wrong == 0);
}
