// Hedging by the engine itself, on virtual time, against formulas.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <memory>
#include <vector>

#include "support/steps.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/policy/catalog.h"
#include "tailrace/sim/event_log.h"
#include "tailrace/sim/service.h"
#include "tailrace/sim/simulate.h"
#include "tailrace/sim/virtual_time.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

constexpr double median = 0.01, sigma = 1;

// 10 ms at the median, and a tail. Its time passes elsewhere.
auto slow(sim::ServiceOptions options = {}) {
  options.holds_worker = false;
  return stage(sim::service<int>(sim::lognormal(10ms, sigma), options), {.replicable = true});
}

double below(double t) { return t <= 0 ? 0 : 0.5 * std::erfc(-std::log(t / median) / sigma / std::sqrt(2.0)); }

template <class F>
double solve_p99(F above) {
  double low = 0, high = 10;
  for (int i = 0; i < 100; ++i) (above((low + high) / 2) > 0.01 ? low : high) = (low + high) / 2;
  return low;
}

auto hedged(const PolicyUse& policy, sim::ServiceOptions options = {}) {
  return optimise(from_int([=](Stream<int> s) { return hedge("h", s, policy, slow(options)); })).value();
}
// One after another, so that there is no queue.
sim::Report report_of(const PolicyUse& policy, std::uint64_t requests = 200000, sim::ServiceOptions options = {}) {
  return sim::simulate(hedged(policy, options), sim::Workload<int>{load::Closed{1}},
                       {.seed = 42, .workers = 4, .requests = requests})
      .value();
}
// In seconds.
double p99_under(const PolicyUse& policy, std::uint64_t requests = 200000) {
  return to_seconds(report_of(policy, requests).latency.p99);
}

}  // namespace

TEST_CASE("hedging on virtual time: the engine's p99 is the formula's") {
  CHECK(p99_under({"never"}) == Approx(solve_p99([](double t) { return 1 - below(t); })).epsilon(0.02));
  CHECK(p99_under({"race_all"}) ==
        Approx(solve_p99([](double t) { return (1 - below(t)) * (1 - below(t)); })).epsilon(0.02));
  for (const auto& [d, q] : {std::pair{0.02, 1.0}, {0.025, 0.5}}) {
    const auto above = [d = d, q = q](double t) { return (1 - below(t)) * (1 - q * below(t - d)); };
    CHECK(p99_under({"reissue", {{"delay_ms", 1000 * d}, {"probability", q}}}) ==
          Approx(solve_p99(above)).epsilon(0.02));
  }
}

TEST_CASE("hedging on virtual time: adaptive needs no tuning where there is room") {
  const double alone = solve_p99([](double t) { return 1 - below(t); });
  const double raced = solve_p99([](double t) { return (1 - below(t)) * (1 - below(t)); });
  const double ours = p99_under({"adaptive"}, 50000);
  CHECK(alone - ours >= 0.8 * (alone - raced));
}

TEST_CASE("hedging on virtual time: what happens is said, and the same every time") {
  const auto run = [] {
    const auto time = sim::virtual_time({.workers = 2}).value();
    const auto log = std::make_shared<sim::EventLog>(time);
    auto engine =
        start(hedged({"fixed", {{"delay_ms", 15}}}, {.seed = 7}), {.executor = time, .observer = log}).value();
    std::vector<Handle<int>> handles;
    for (int i = 0; i < 200; ++i) handles.push_back(engine.submit(i, {.id = static_cast<std::uint64_t>(i)}));
    for (auto& h : handles) (void)h.get();
    const auto figures = engine.figures();
    const std::string text = log->text();
    const auto count = [&](const std::string& word) {
      std::uint64_t n = 0;
      for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++n;
      return n;
    };
    CHECK(figures.copies > 20);
    CHECK(count("hedge_fired h") == figures.copies);
    CHECK(count("hedge_won h") == figures.copies_won);
    CHECK(count("hedge_won h") + count("hedge_wasted h") == figures.copies);
    return text;
  };
  CHECK(run() == run());
}

TEST_CASE("hedging on virtual time: what was learned outlives a plan that is replaced") {
  const auto time = sim::virtual_time({.workers = 2}).value();
  auto engine = start(hedged({"adaptive"}), {.executor = time}).value();
  for (std::uint64_t i = 0; i < 2000; ++i) (void)engine.submit(1, {.id = i}).get();
  const auto before = engine.figures().copies;
  CHECK(before > 100);
  CHECK(engine.replace(hedged({"adaptive"})).what() == "");
  for (std::uint64_t i = 0; i < 40; ++i)
    (void)engine.submit(1, {.id = i}).get();  // fewer than a new State would learn from first
  CHECK(engine.figures().copies > before);
}

TEST_CASE("hedging on virtual time: a report counts copies and what was wasted") {
  // 1 ms always, so that copies lose; they end 1.1 ms after their calls' begin, where they look, or else after 1.5 ms.
  const auto constant = [](Duration looks) {
    return optimise(from_int([=](Stream<int> s) {
             return hedge("h", s, {"fixed", {{"delay_ms", .5}}},
                          stage(sim::service<int>(sim::constant(1ms), {.looks_every = looks}), {.replicable = true}));
           }))
        .value();
  };
  const sim::Workload<int> work{load::Recorded{{0ms, 5ms, 10ms, 15ms}}};
  const auto run_on = sim::simulate(constant({}), work, {.workers = 2}).value();
  CHECK((run_on.copies == 4 && run_on.copies_won == 0 && run_on.copies_refused == 0 && run_on.duplicates() == 1));
  CHECK(run_on.wasted() == Approx(.5));  // up to the last arrival three calls of each kind have ended
  const auto killed = sim::simulate(constant(300us), work, {.workers = 2}).value();
  CHECK(killed.copies == 4);
  CHECK(killed.wasted() == Approx(.6 / 1.6));
  const auto warm = sim::simulate(constant({}), work, {.workers = 2, .requests = 2, .warm_up = 2}).value();
  CHECK(warm.copies == 2);
  CHECK(warm.wasted() == Approx(.5));
}

TEST_CASE("hedging on virtual time: a copy is as slow as its call where slowness is the input's") {
  const double alone = solve_p99([](double t) { return 1 - below(t); });
  const auto raced = [](double of_input) {
    return to_seconds(report_of({"race_all"}, 200000, {.of_input = of_input}).latency.p99);
  };
  CHECK(raced(1) == Approx(alone).epsilon(.02));
  CHECK(raced(.5) ==
        Approx(solve_p99([](double t) { return (1 - below(t)) * (.5 + .5 * (1 - below(t))); })).epsilon(.02));
}

TEST_CASE("hedging on virtual time: adaptive stops where slowness is the input's") {
  const auto copies = [](double of_input) {
    return report_of({"adaptive"}, 20000, {.of_input = of_input}).duplicates();
  };
  CHECK(copies(0) > .2);
  CHECK(copies(1) < .05);  // one in 32 is tried
}
