#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "batching_live/live.h"

namespace batching {

using bench::Results, bench::text;

namespace {

constexpr double span = 10;               // of bursts and steps, in goals: two of each in a run
constexpr double least_seconds = .15;     // of a run
constexpr std::uint64_t searched = 3000;  // requests of each setting, simulated
constexpr int rounds = 2, rounds_again = 4;
constexpr double may_miss = .98;   // of the best other one; cells below are run again
constexpr double late_share = .1;  // of the goal: a sender whose p99 is later makes a run void
enum Who : std::size_t { fixed, greedy, aimd, table, table_again, everybody };

struct Tested {
  const Subject* subject = nullptr;
  Cell cell;
  std::array<Arm, everybody> arms;
  std::array<double, everybody> goodput{};
  double lateness = 0, foreign = 0;
  bool is_void = false, again = false;

  double over_best() const { return over(std::max({goodput[fixed], goodput[greedy], goodput[aimd]})); }
  double itself() const { return over(goodput[table_again]); }
  // A cell in which an arm answers nobody counts as if it had answered one in a thousand.
  double over(double other) const { return std::max(goodput[table], .001) / std::max(other, .001); }
};

// All arms in turns, forth and back, each round with arrivals of its own that all of them meet.
void take_rounds(Tested& t, int count, std::uint64_t first_seed) {
  const Cell& cell = t.cell;
  const double seconds = std::max(least_seconds, 4 * span * cell.goal_seconds());
  std::vector<tr::Plan<int, int>> plans;
  for (const Arm& arm : t.arms) plans.push_back(t.subject->plan(arm.policy, most));
  t.goodput = {};
  t.lateness = 0;
  const bench::ForeignLoad foreign;
  for (int round = 0; round < count; ++round)
    for (std::size_t k = 0; k < everybody; ++k) {
      const std::size_t i = round % 2 ? everybody - 1 - k : k;
      const Ran ran = run(plans[i], t.arms[i].shed, cell.arrives(), cell.rate(), cell.goal_seconds(), seconds,
                          first_seed + static_cast<std::uint64_t>(round));
      t.goodput[i] += ran.goodput / count;
      t.lateness = std::max(t.lateness, ran.lateness);
    }
  t.foreign = foreign.share();
}
// The same until the machine was quiet and the sender on time, as often as may be tried.
void test(Tested& t, int count, std::uint64_t first_seed, const bench::Options& options) {
  for (int attempt = 0; attempt < options.attempts; ++attempt) {
    take_rounds(t, count, first_seed);
    t.is_void = t.foreign > options.most_foreign || t.lateness > late_share * t.cell.goal_seconds();
    if (!t.is_void) return;
  }
}

std::vector<Tested> prepare(const std::vector<Subject>& subjects) {
  std::vector<Tested> all;
  for (const Subject& subject : subjects)
    for (const Cell& cell : cells_of({subject.model}, span)) {
      Tested& t = all.emplace_back();
      t.subject = &subject;
      t.cell = cell;
      t.cell.model = &subject.model;
    }
  for_each(all.size(), [&](std::size_t i) {
    Tested& t = all[i];
    t.arms = {best_fixed(t.cell, searched), best_greedy(t.cell, searched), best_aimd(t.cell, searched), Arm{{"table"}},
              Arm{{"table"}}};
  });
  return all;
}

// What share of runs of the same arm differ by less, of all that count.
double noise_of(const std::vector<Tested>& all, double share) {
  std::vector<double> off;
  for (const Tested& t : all)
    if (!t.is_void) off.push_back(std::abs(t.itself() - 1));
  if (off.empty()) return 0;
  std::sort(off.begin(), off.end());
  return off[std::min(off.size() - 1, static_cast<std::size_t>(share * static_cast<double>(off.size())))];
}

}  // namespace

void live_goals(const std::vector<Subject>& subjects, const std::string& prefix, const std::string& of,
                const bench::Options& options, Results& results) {
  std::vector<Tested> all = prepare(subjects);
  for (Tested& t : all) test(t, rounds, 1, options);
  const double noise = noise_of(all, .95);
  for (Tested& t : all) {
    if (t.is_void || t.over_best() >= may_miss) continue;
    t.again = true;
    test(t, rounds_again, 11, options);
  }
  bench::Table details{"e4: requests that are answered within their goal, live, " + of,
                       "As simulated, on an engine of one thread and with calls that take real time; bursts and steps "
                       "of ten goals. Settings are those that the simulation finds best. Shares, mean of " +
                           std::to_string(rounds) + " runs of each arm in turns, and of " +
                           std::to_string(rounds_again) +
                           " new ones where `table` fell below 0.98 at first. `table` against itself says how far "
                           "runs of one arm differ; void cells count nowhere.",
                       {"model", "goal", "arrivals", "load", "best fixed", "fixed", "greedy", "AIMD", "table",
                        "over the best of them", "against itself", ""},
                       {}};
  double worst = std::numeric_limits<double>::infinity(), sum = 0, sum_best = 0;
  unsigned counted = 0, below = 0;
  for (const Tested& t : all) {
    const auto& g = t.goodput;
    details.rows.push_back({t.cell.model->name, text(t.cell.goal, 0), name(t.cell.shape), text(t.cell.load, 1),
                            name_of(t.arms[fixed]), text(g[fixed], 3), text(g[greedy], 3), text(g[aimd], 3),
                            text(g[table], 3), text(t.over_best(), 3), text(t.itself(), 3),
                            t.is_void ? "void"
                            : t.again ? "again"
                                      : ""});
    if (t.is_void) continue;
    ++counted;
    below += t.over_best() < may_miss;
    worst = std::min(worst, t.over_best());
    sum += t.over(g[fixed]);
    sum_best += t.over_best();
  }
  const bool is_void = counted < .95 * static_cast<double>(all.size());
  if (counted == 0) worst = sum = sum_best = 0;
  const double cells_counted = std::max(1u, counted);
  const std::string cells = std::to_string(counted) + " of " + std::to_string(all.size()) + " cells, live, " + of;
  const auto figure = [&](const char* what, const std::string& text, double value, std::optional<double> limit,
                          const char* unit) {
    results.figures.push_back({prefix + what, text, value, limit, unit, is_void});
  };
  figure("worst_cell", "goodput that table misses of the best of fixed, greedy and AIMD, worst of " + cells, 1 - worst,
         .02, "x");
  figure("below", "cells in which table has less than 0.98 of the best of them: of " + cells, below, {}, "");
  figure("mean", "the best fixed setting's goodput over table's, mean of " + cells, sum > 0 ? cells_counted / sum : 0,
         1., "x");
  figure("mean_of_best", "the same of the best of all three", sum_best > 0 ? cells_counted / sum_best : 0, {}, "x");
  figure("noise", "table's goodput against its own in other runs: how far off in 95 % of the cells", noise, {}, "x");
  results.tables.push_back(std::move(details));
}

void live_light_load(const std::vector<Subject>& subjects, const bench::Options& options, Results& results) {
  constexpr double seconds = 5;
  bench::Table details{"e4: a load of 0.2, live",
                       "p99 with `table` and with calls for one row only, in times of such a call; Poisson, no "
                       "deadlines; two runs of 5 s each, in turns.",
                       {"model", "table", "one row a call", "ratio", ""},
                       {}};
  double worst = 0;
  bool any_void = false;
  for (const Subject& subject : subjects) {
    const double one = subject.model.one(), rate = .2 / one;
    double p99[2] = {}, lateness = 0;
    const auto pair = [&](std::uint64_t seed) {
      for (std::uint64_t k = 0; k < 2; ++k) {
        const std::size_t i = (k + seed) % 2;
        const Ran ran =
            run(subject.plan({"table"}, i ? 1 : most), true, tr::load::Poisson{rate}, rate, 0, seconds, seed);
        p99[i] += ran.p99 / one / 2;
        lateness = std::max(lateness, ran.lateness);
      }
    };
    bool is_void = true;
    for (int attempt = 0; attempt < options.attempts && is_void; ++attempt) {
      const bench::ForeignLoad foreign;
      p99[0] = p99[1] = lateness = 0;
      pair(1), pair(2);
      is_void = foreign.share() > options.most_foreign || lateness > late_share * one;
    }
    any_void = any_void || is_void;
    worst = std::max(worst, p99[0] / p99[1]);
    details.rows.push_back(
        {subject.model.name, text(p99[0], 3), text(p99[1], 3), text(p99[0] / p99[1], 3), is_void ? "void" : ""});
  }
  results.figures.push_back({"e4.live.light_p99", "p99 at a load of 0.2 over that without batches, worst model, live",
                             worst, 1.05, "x", any_void});
  results.tables.push_back(std::move(details));
}

}  // namespace batching
