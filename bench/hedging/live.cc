#include <algorithm>
#include <thread>

#include "hedging/scenario.h"
#include "support/live.h"

namespace hedging {

using namespace std::chrono_literals;
using bench::text;

// All policies of a cell at the same time, so that what disturbs one disturbs the others; replicas only sleep.
void live(bench::Results& results, std::uint64_t requests) {
  bench::Table table{"e2: replicas that sleep, live",
                     std::to_string(requests) +
                         " requests, losers look every 2 ms, p99 in ms; the best delay is the "
                         "simulator's, and so is what stands beside.",
                     {"service", "replicas", "load", "policy", "p99 live", "simulated", "of never's, live", "simulated",
                      "copies live, %", "simulated", "sender late, us"},
                     {}};
  double worst = 0;
  const bench::ForeignLoad foreign;
  for (const std::size_t s : {std::size_t{2}, std::size_t{4}})
    for (const double load : {.3, .7}) {
      const Cell cell{&services()[s], load, 8, 2ms};
      const std::vector<tr::PolicyUse> policies = {{"never"}, best_fixed(cell, 50000), {"adaptive"}};
      std::vector<bench::LiveRun> runs(policies.size());
      {
        std::vector<std::jthread> senders;
        for (std::size_t i = 0; i < policies.size(); ++i)
          senders.emplace_back([&, i] {
            runs[i] =
                bench::run_live(plan_of(cell, policies[i]), tr::load::Poisson{arrivals_per_second(cell)}, requests, 1);
          });
      }
      double never = 0;
      for (std::size_t i = 0; i < policies.size(); ++i) {
        const tr::sim::Report said =
            tr::sim::simulate(plan_of(cell, policies[i]),
                              tr::sim::Workload<int>{tr::load::Poisson{arrivals_per_second(cell)}},
                              {.seed = 1, .workers = cell.replicas, .requests = requests, .max_in_flight = 4096})
                .value();
        const auto share = [](tr::Duration a, tr::Duration b) { return tr::to_seconds(a) / tr::to_seconds(b); };
        if (i == 0) never = tr::to_seconds(said.latency.p99);
        if (i == 2) worst = std::max(worst, share(runs[2].latency.p99, runs[0].latency.p99));
        table.rows.push_back({cell.service->name, std::to_string(cell.replicas), text(load, 1), name_of(policies[i]),
                              text(1e3 * tr::to_seconds(runs[i].latency.p99), 1),
                              text(1e3 * tr::to_seconds(said.latency.p99), 1),
                              text(share(runs[i].latency.p99, runs[0].latency.p99), 3),
                              text(tr::to_seconds(said.latency.p99) / never, 3), text(100 * runs[i].duplicates, 1),
                              text(100 * said.duplicates(), 1), text(1e6 * tr::to_seconds(runs[i].late), 0)});
      }
    }
  results.figures.push_back({"e2.never_worse_live",
                             "p99 under adaptive over that of no hedge, worst of four cells, live", worst, 1.1, "x",
                             foreign.share() > .05});
  results.tables.push_back(std::move(table));
}

}  // namespace hedging
