// The same on a real clock: replicas that sleep, and replicas that compute.
#include <algorithm>
#include <thread>

#include "hedging/scenario.h"
#include "support/live.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/sim/service.h"

namespace hedging {

using namespace std::chrono_literals;
using bench::text, tr::to_seconds;

namespace {

constexpr double most_foreign = .05;

std::string ms(tr::Duration time) { return text(1e3 * to_seconds(time), 1); }
double ratio(tr::Duration a, tr::Duration b) { return to_seconds(a) / to_seconds(b); }

// What the simulator says of the requests that are sent live.
tr::sim::Report said(const Cell& cell, const tr::PolicyUse& policy, std::uint64_t requests) {
  return tr::sim::simulate(plan_of(cell, policy), tr::sim::Workload<int>{tr::load::Poisson{arrivals_per_second(cell)}},
                           {.seed = 1, .workers = cell.replicas, .requests = requests, .max_in_flight = 4096})
      .value();
}

// ---- e2: replicas that sleep

struct Compared {
  Cell cell;
  std::vector<tr::PolicyUse> policies{};
  std::vector<bench::LiveRun> runs{};
  double worse() const { return ratio(runs[2].latency.p99, runs[0].latency.p99); }
};

// All policies of all cells at the same time, so that what disturbs one disturbs the others; replicas only sleep.
void run_together(std::vector<Compared*> cells, std::uint64_t requests) {
  std::vector<std::jthread> senders;
  for (Compared* c : cells) {
    c->policies = {{"never"}, best_fixed(c->cell, 20000), {"adaptive"}};
    c->runs.resize(c->policies.size());
  }
  for (Compared* c : cells)
    for (std::size_t i = 0; i < c->policies.size(); ++i)
      senders.emplace_back([=] {
        const tr::load::Poisson arrivals{arrivals_per_second(c->cell)};
        c->runs[i] = bench::run_live(plan_of(c->cell, c->policies[i]), arrivals, requests, 1);
      });
}

void add_rows(bench::Table& table, const Compared& c, std::uint64_t requests) {
  double never = 0;
  for (std::size_t i = 0; i < c.policies.size(); ++i) {
    const tr::sim::Report expected = said(c.cell, c.policies[i], requests);
    if (i == 0) never = to_seconds(expected.latency.p99);
    table.rows.push_back({c.cell.service->name, text(c.cell.load, 1), name_of(c.policies[i]), ms(c.runs[i].latency.p99),
                          ms(expected.latency.p99), text(ratio(c.runs[i].latency.p99, c.runs[0].latency.p99), 3),
                          text(to_seconds(expected.latency.p99) / never, 3), text(100 * c.runs[i].duplicates, 1),
                          text(100 * expected.duplicates(), 1), text(1e6 * to_seconds(c.runs[i].late), 0)});
  }
}

}  // namespace

void live(bench::Results& results, std::uint64_t requests) {
  std::vector<Compared> all;
  for (const double load : {.3, .5, .7, .9})
    for (const std::size_t s : {std::size_t{0}, std::size_t{2}})
      all.push_back({{.service = &services()[s], .load = load, .replicas = 8, .looks_every = 2ms}});
  const bench::ForeignLoad foreign;
  // Two cells at a time, but one where so much is sent that the senders would be in each other's way.
  for (std::size_t i = 0; i + 2 < all.size(); i += 2) run_together({&all[i], &all[i + 1]}, requests);
  for (std::size_t i = all.size() - 2; i < all.size(); ++i) run_together({&all[i]}, requests);
  const bool disturbed = foreign.share() > most_foreign;
  bench::Table table{"e2: replicas that sleep, live",
                     std::to_string(requests) +
                         " requests to 8 replicas, losers look every 2 ms, p99 in ms. The best delay is the "
                         "simulator's, and so is what stands beside, for the same requests.",
                     {"service", "load", "policy", "p99 live", "simulated", "of never's, live", "simulated",
                      "copies live, %", "simulated", "sender late, us"},
                     {}};
  double worst = 0;
  for (const Compared& c : all) {
    worst = std::max(worst, c.worse());
    add_rows(table, c, requests);
  }
  results.figures.push_back({"e2.never_worse_live",
                             "p99 under adaptive over that of no hedge, worst of two services and loads .3 to .9, live",
                             worst, 1.1, "x", disturbed});
  results.tables.push_back(std::move(table));
}

// ---- e3: replicas that compute

namespace {

// Computes for as long as the simulator says of the same call, and looks now and then whether that is still wanted.
struct Computing {
  tr::detail::ServiceTime time;
  tr::Duration looks_every;

  void operator()(const int& x, tr::Completion<int> done) const {
    const tr::TimePoint begin = tr::Clock::now(), end = begin + time.draw(done.about());
    tr::TimePoint look = begin + looks_every;
    for (tr::TimePoint now = begin; now < end; now = tr::Clock::now()) {
      if (now < look) continue;
      if (done.stop_requested()) return;
      look += looks_every;
    }
    done.complete(x);
  }
};

tr::Plan<int, int> computing_plan(const Cell& cell, const tr::PolicyUse& policy) {
  const Computing replica{tr::detail::service_time(cell.service->time, {.seed = 1}), cell.looks_every};
  const auto flow = tr::flow<int>("replicas", [&](tr::Stream<int> x) {
    return tr::hedge("call", x, policy, tr::stage(replica, {.replicable = true}));
  });
  return tr::optimise(flow).value();
}

}  // namespace

void computing_live(bench::Results& results, std::uint64_t requests) {
  // A quarter of the simulated ones' times, for more requests in a second, and of their 500 us between looks.
  const Service service{"lognormal 1, median 1.5 ms", tr::sim::lognormal(1500us, 1), {}};
  Cell cell{&service, .3, 2, 12500ns, true};
  const tr::PolicyUse best = best_fixed(cell, 20000);
  const auto ideal = said(cell, best, requests), without = said(cell, {"never"}, requests);
  cell.looks_every = 125us;
  const std::vector<tr::PolicyUse> policies = {{"never"}, best, {"adaptive"}};
  bench::Table table{"e3: replicas that compute on two threads, live",
                     std::to_string(requests) + " requests of " + service.name +
                         ", load 0.3, losers look every 125 us, p99 in ms; one policy after another. Ideal: losers end "
                         "within 12.5 us, simulated: " +
                         ms(ideal.latency.p99) + " ms.",
                     {"policy", "p99 live", "simulated", "of never's, live", "copies live, %", "simulated"},
                     {}};
  std::vector<tr::Duration> p99;
  const bench::ForeignLoad foreign;
  const tr::load::Poisson arrivals{arrivals_per_second(cell)};
  for (const auto& policy : policies) {
    const auto run = bench::run_live(computing_plan(cell, policy), arrivals, requests, 1);
    const auto expected = said(cell, policy, requests);
    p99.push_back(run.latency.p99);
    table.rows.push_back({name_of(policy), ms(run.latency.p99), ms(expected.latency.p99),
                          text(ratio(p99.back(), p99[0]), 3), text(100 * run.duplicates, 1),
                          text(100 * expected.duplicates(), 1)});
  }
  const bool disturbed = foreign.share() > most_foreign;
  const double gain = 1 - ratio(ideal.latency.p99, without.latency.p99);
  results.figures.push_back(
      {"e3.gain_missed_live",
       "share of the gain of ideal cancellation that the best delay misses with checkpoints, live",
       1 - (1 - ratio(p99[1], p99[0])) / gain, .1, "", disturbed});
  results.figures.push_back({"e3.never_worse_live",
                             "p99 under adaptive over that of no hedge, replicas that compute, live",
                             ratio(p99[2], p99[0]), 1.1, "x", disturbed});
  results.tables.push_back(std::move(table));
}

}  // namespace hedging
