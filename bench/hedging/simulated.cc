#include <algorithm>
#include <cmath>

#include "hedging/scenario.h"

namespace hedging {

using namespace std::chrono_literals;
using bench::Results, bench::text;
using tr::to_seconds;

namespace {

double p99(const tr::sim::Report& report) { return to_seconds(report.latency.p99); }
std::string ms(double seconds) { return text(1e3 * seconds, 1); }
std::string percent(double share) { return text(100 * share, 1); }

}  // namespace

// ---- near-zero load

void closed_forms(Results& results) {
  bench::Table table{"e2: one call at a time, simulated against closed forms",
                     "p99 in ms of 500,000 requests one after another. Race of r: F^-1(1 - 0.01^(1/r)). A copy after d "
                     "with probability q: P(T > t) = P(X > t) (1 - q P(Y < t - d)).",
                     {"service", "policy", "simulated", "closed form", "off, %"},
                     {}};
  struct Row {
    const Service* service;
    tr::PolicyUse policy;
    double exact, found;
  };
  std::vector<Row> rows;
  for (const Service& s : services()) {
    rows.push_back({&s, {"never"}, p99_of(s.above), 0});
    rows.push_back({&s, {"race_all"}, p99_of([&](double t) { return s.above(t) * s.above(t); }), 0});
    for (const auto& [d, q] : {std::pair{.012, 1.}, {.012, .5}}) {
      const auto above = [&s, d = d, q = q](double t) {
        return t <= d ? s.above(t) : s.above(t) * (1 - q * (1 - s.above(t - d)));
      };
      rows.push_back({&s, {"reissue", {{"delay_ms", 1e3 * d}, {"probability", q}}}, p99_of(above), 0});
    }
  }
  for_each_cell(rows.size(), [&](std::size_t i) {
    rows[i].found = to_seconds(tr::sim::simulate(plan_of({.service = rows[i].service, .replicas = 4}, rows[i].policy),
                                                 tr::sim::Workload<int>{tr::load::Closed{1, 1s}},
                                                 {.seed = 1, .workers = 4, .requests = 500000})
                                   .value()
                                   .latency.p99);
  });
  double most = 0;
  for (const Row& row : rows) {
    const double off = 100 * (row.found / row.exact - 1);
    most = std::max(most, std::abs(off));
    std::string policy = row.policy.name;
    for (const auto& p : row.policy.parameters.list()) policy += " " + text(p.number, p.name == "delay_ms" ? 0 : 1);
    table.rows.push_back({row.service->name, policy, ms(row.found), ms(row.exact), text(off, 2)});
  }
  results.figures.push_back(
      {"e2.closed_form",
       "p99 off its closed form at near-zero load, simulated, worst of " + std::to_string(rows.size()), most, 5., "%",
       false});
  results.tables.push_back(std::move(table));
}

// ---- under load

namespace {

struct Judged {
  Cell cell;
  tr::PolicyUse best;
  double never = 0, fixed = 0, quantile = 0, adaptive = 0;  // p99, seconds
  double copies = 0, wasted = 0;                            // of adaptive

  double gain() const { return never - fixed; }
  // Share of the best delay's gain. Only where there is any to speak of.
  bool has_gain() const { return gain() > .02 * never; }
  double reached() const { return (never - adaptive) / gain(); }
};

// Without copies there are no losers: `never` is that of the same cell with other ones, where that is known.
void judge(Judged& j, double never, std::uint64_t requests) {
  constexpr std::uint64_t seed = 1;
  j.best = best_fixed(j.cell, requests / 20);
  j.never = never > 0 ? never : p99(simulate(j.cell, {"never"}, requests, seed));
  j.fixed = j.best.name == "never" ? j.never : p99(simulate(j.cell, j.best, requests, seed));
  j.quantile = p99(simulate(j.cell, {"quantile"}, requests / 10, seed));
  const auto ours = simulate(j.cell, {"adaptive"}, requests, seed);
  j.adaptive = p99(ours);
  j.copies = ours.duplicates();
  j.wasted = ours.wasted();
}

void add_table(Results& results, const std::vector<Judged>& all, bool kills) {
  bench::Table table{
      kills ? "e2: replicas whose losers look every 2 ms, simulated" : "e2: replicas whose losers run on, simulated",
      "p99 in ms, and as a share of never's. The best fixed delay was searched on another seed.",
      {"service", "replicas", "load", "never, ms", "best delay", "best", "quantile .95", "adaptive", "copies, %",
       "wasted, %", "of the gain, %"},
      {}};
  for (const Judged& j : all) {
    if ((j.cell.looks_every > tr::Duration{}) != kills) continue;
    const auto share = [&](double p) { return text(p / j.never, 3); };
    table.rows.push_back({j.cell.service->name, std::to_string(j.cell.replicas), text(j.cell.load, 2), ms(j.never),
                          name_of(j.best), share(j.fixed), share(j.quantile), share(j.adaptive), percent(j.copies),
                          percent(j.wasted), j.has_gain() ? text(100 * j.reached(), 0) : ""});
  }
  results.tables.push_back(std::move(table));
}

}  // namespace

void under_load(Results& results, std::uint64_t requests) {
  std::vector<Judged> all;
  for (const bool kills : {true, false})
    for (const Service& s : services())
      for (const double load : {.05, .3, .5, .7, .9})
        all.push_back({{.service = &s, .load = load, .replicas = 4, .looks_every = kills ? 2ms : 0ms}, {}});
  const std::size_t half = all.size() / 2;
  for_each_cell(half, [&](std::size_t i) {
    judge(all[i], 0, requests);
    judge(all[half + i], all[i].never, requests);
  });
  double worst = 0;
  for (const Judged& j : all) worst = std::max(worst, j.adaptive / j.never);
  results.figures.push_back(
      {"e2.never_worse",
       "p99 under adaptive over that of no hedge, worst of all services and loads up to .9, simulated", worst, 1.02,
       "x", false});
  for (const double load : {.3, .5}) {
    double least = 1, sum = 0;
    int n = 0;
    for (const Judged& j : all) {
      if (j.cell.load != load || !j.has_gain()) continue;
      least = std::min(least, j.reached());
      sum += std::min(1., j.reached());
      ++n;
    }
    const std::string at = text(100 * load, 0);
    results.figures.push_back({"e2.gain_missed_" + at,
                               "share of the best fixed delay's gain that adaptive misses at load " + text(load, 1) +
                                   ", worst service, simulated",
                               1 - least, .2, "", false});
    results.figures.push_back(
        {"e2.gain_missed_mean_" + at, "the same, mean of the services", n ? 1 - sum / n : 0, {}, "", false});
  }
  add_table(results, all, true);
  add_table(results, all, false);
}

// ---- e3

void computing(Results& results) {
  struct Row {
    Cell cell;
    tr::PolicyUse policy;
    double never = 0, ideal = 0, found = 0, wasted = 0, runs_on = 0;
  };
  std::vector<Row> rows;
  for (const std::size_t s : {std::size_t{0}, std::size_t{2}, std::size_t{4}})
    for (const double load : {.3, .5}) rows.push_back({{&services()[s], load, 2, {}, true}, {}});
  constexpr std::uint64_t requests = 200000, seed = 1;
  for_each_cell(rows.size(), [&](std::size_t i) {
    Row& r = rows[i];
    const auto with = [&](tr::Duration looks) {
      Cell cell = r.cell;
      cell.looks_every = looks;
      return simulate(cell, r.policy, requests, seed);
    };
    r.policy = {"never"};
    r.never = p99(with({}));
    Cell cell = r.cell;
    cell.looks_every = 500us;
    r.policy = best_fixed(cell, requests / 10);
    r.ideal = p99(with(50us));
    const auto found = with(500us);
    r.found = p99(found);
    r.wasted = found.wasted();
    r.runs_on = p99(with({}));
  });
  bench::Table table{
      "e3: replicas that compute, two threads, simulated",
      "The best fixed delay. Ideal: losers end within 50 us; found: they look every 500 us. p99 in ms.",
      {"service", "load", "never", "delay", "ideal", "found", "of the ideal gain, %", "wasted, %", "losers run on"},
      {}};
  double least = 1;
  for (const Row& r : rows) {
    const double reached = r.policy.name == "never" ? 1 : (r.never - r.found) / (r.never - r.ideal);
    least = std::min(least, reached);
    table.rows.push_back({r.cell.service->name, text(r.cell.load, 1), ms(r.never), name_of(r.policy), ms(r.ideal),
                          ms(r.found), text(100 * reached, 0), percent(r.wasted), ms(r.runs_on)});
  }
  results.figures.push_back({"e3.gain_missed",
                             "share of the gain of ideal cancellation that is missed with a checkpoint each 500 us, "
                             "worst service and load, simulated",
                             1 - least, .1, "", false});
  results.tables.push_back(std::move(table));
}

}  // namespace hedging
