#include <algorithm>
#include <limits>
#include <sstream>

#include "batching/scenario.h"
#include "tailrace/sim/simulate.h"

namespace batching {

using bench::Results, bench::text;
using tr::to_seconds;

// ---- e4

namespace {

constexpr std::uint64_t seeds[] = {1, 2, 3};  // none that anything was searched with

struct Judged {
  Cell cell;
  Arm fixed, aimd, greedily;
  double best = 0, greedy = 0, clipper = 0, table = 0;  // goodput
  double worst() const { return table / std::max({best, greedy, clipper}); }
  // What no policy can exceed in the long run.
  double bound() const { return std::min(1., capacity(*cell.model, cell.goal_seconds()) / cell.rate()); }
};

void judge(Judged& j, std::uint64_t requests) {
  j.fixed = best_fixed(j.cell, requests / 10);
  j.aimd = best_aimd(j.cell, requests / 10);
  j.greedily = best_greedy(j.cell, requests / 10);
  for (const auto seed : seeds) {
    j.best += goodput(j.cell, j.fixed, requests, seed) / std::size(seeds);
    j.greedy += goodput(j.cell, j.greedily, requests, seed) / std::size(seeds);
    j.clipper += goodput(j.cell, j.aimd, requests, seed) / std::size(seeds);
    j.table += goodput(j.cell, {{"table"}}, requests, seed) / std::size(seeds);
  }
}

}  // namespace

void goals(Results& results, std::uint64_t requests) {
  std::vector<Judged> all;
  for (const Cell& cell : cells_of(models())) all.emplace_back().cell = cell;
  for_each(all.size(), [&](std::size_t i) { judge(all[i], requests); });
  bench::Table table{
      "e4: requests that are answered within their goal, simulated",
      "One call at a time, up to 32 rows. Goal in times of a call for one row; load as a share of what "
      "calls allow that take at most half of the goal. Fixed: the best of 36 sizes and delays, searched on "
      "another seed; AIMD: the better of two goals; each of them and greedy with or without load "
      "shedding, whichever is better. Shares of " +
          std::to_string(requests) + " requests, mean of three seeds.",
      {"model", "goal", "arrivals", "load", "best fixed", "fixed", "greedy", "AIMD", "table", "over the best of them"},
      {}};
  double worst = 10, sum = 0, sum_best = 0, least_of_bound = 1;
  for (const Judged& j : all) {
    worst = std::min(worst, j.worst());
    sum += j.table / j.best / static_cast<double>(all.size());
    sum_best += j.worst() / static_cast<double>(all.size());
    if (j.cell.goal == 30 && j.cell.shape == Shape::poisson)
      least_of_bound = std::min(least_of_bound, j.table / j.bound());
    table.rows.push_back({j.cell.model->name, text(j.cell.goal, 0), name(j.cell.shape), text(j.cell.load, 1),
                          name_of(j.fixed), text(j.best, 4), text(j.greedy, 4), text(j.clipper, 4), text(j.table, 4),
                          text(j.worst(), 4)});
  }
  results.figures.push_back({"e4.worst_cell",
                             "goodput that table misses of the best of fixed, greedy and AIMD, worst of " +
                                 std::to_string(all.size()) + " cells, simulated",
                             1 - worst, .02, "x", false});
  results.figures.push_back({"e4.mean", "the best fixed setting's goodput over table's, mean of all cells, simulated",
                             1 / sum, 1., "x", false});
  results.figures.push_back({"e4.mean_of_best", "the same of the best of all three", 1 / sum_best, {}, "x", false});
  results.figures.push_back({"e4.bound_missed", "goal of 30, Poisson: goodput that is missing of the bound, worst cell",
                             1 - least_of_bound, .05, "x", false});
  results.tables.push_back(std::move(table));
}

void light_load(Results& results, std::uint64_t requests) {
  bench::Table table{
      "e4: a load of 0.2, simulated",
      "p99 with `table` and with calls for one row only, in times of such a call; Poisson, no deadlines.",
      {"model", "table", "one row a call", "ratio"},
      {}};
  double worst = 0;
  for (const Model& model : models()) {
    const auto p99 = [&](unsigned max_batch) {
      return to_seconds(tr::sim::simulate(plan_of(model, {"table"}, max_batch),
                                          tr::sim::Workload<int>{tr::load::Poisson{.2 / model.one()}},
                                          {.seed = 1, .workers = 1, .requests = requests})
                            .value()
                            .latency.p99) /
             model.one();
    };
    const double with = p99(most), without = p99(1);
    worst = std::max(worst, with / without);
    table.rows.push_back({model.name, text(with, 3), text(without, 3), text(with / without, 3)});
  }
  results.figures.push_back({"e4.light_p99", "p99 at a load of 0.2 over that without batches, worst model, simulated",
                             worst, 1.05, "x", false});
  results.tables.push_back(std::move(table));
}

// ---- e5

std::vector<double> least_times(const Model& model, std::uint32_t rows) {
  std::vector<double> least(rows + 1, 0);
  for (std::uint32_t n = 1; n <= rows; ++n) {
    least[n] = std::numeric_limits<double>::infinity();
    for (std::uint32_t run = 1; run <= most; ++run)
      least[n] = std::min(least[n], model.times.seconds(run) + least[n - std::min(n, run)]);
  }
  return least;
}

namespace {

// How long it takes from when the stage is free until all of `rows` that wait then are answered.
double time_for(const Model& model, const tr::PolicyUse& policy, std::uint32_t rows) {
  const tr::Duration one = tr::to_duration(model.one());
  tr::load::Recorded times{{tr::Duration{}}};  // the first one holds the stage
  for (std::uint32_t i = 0; i < rows; ++i) times.times.push_back(one / 2);
  std::ostringstream raw;
  tr::sim::simulate(plan_of(model, policy), tr::sim::Workload<int>{times},
                    {.seed = 1, .workers = 1, .requests = rows + 1, .raw = &raw})
      .value();
  std::istringstream lines(raw.str());
  double last = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] < '0' || line[0] > '9') continue;
    std::istringstream cells(line);
    std::string number, arrival, latency;
    for (std::string* cell : {&number, &arrival, &latency}) std::getline(cells, *cell, ',');
    last = std::max(last, 1e-9 * (std::stod(arrival) + std::stod(latency)));
  }
  return last - to_seconds(one);
}

}  // namespace

void cliffs(Results& results) {
  constexpr std::uint32_t rows = 64;
  bench::Table table{"e5: all of 1 to 64 rows that wait at once, simulated",
                     "Time until the last one is answered, over the least time that dynamic programming finds.",
                     {"model", "table, mean", "table, worst", "greedy, mean", "greedy, worst", "greedy's worst number"},
                     {}};
  double worst = 0, gain = 0;
  for (const Model& model : models()) {
    const auto least = least_times(model, rows);
    double sum[2] = {}, most_over[2] = {};
    std::uint32_t at = 0;
    for (std::uint32_t n = 1; n <= rows; ++n)
      for (int p = 0; p < 2; ++p) {
        const double over = time_for(model, {p ? "greedy" : "table"}, n) / least[n];
        sum[p] += over / rows;
        if (over > most_over[p] && p) at = n;
        most_over[p] = std::max(most_over[p], over);
      }
    worst = std::max(worst, most_over[0]);
    gain = std::max(gain, most_over[1]);
    table.rows.push_back({model.name, text(sum[0], 4), text(most_over[0], 4), text(sum[1], 4), text(most_over[1], 4),
                          std::to_string(at)});
  }
  results.figures.push_back({"e5.over_optimum",
                             "time under table over the optimum, worst number of rows and model, simulated", worst,
                             1.01, "x", false});
  results.figures.push_back({"e5.greedy", "the same of greedy", gain, {}, "x", false});
  results.tables.push_back(std::move(table));
}

}  // namespace batching
