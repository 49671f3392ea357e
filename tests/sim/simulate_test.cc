// simulate(): counts, files, repetition, closed loops, and what cannot be simulated.
// checks: virtual-simulate, observer-id
#include "tailrace/sim/simulate.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "support/golden.h"
#include "support/steps.h"
#include "tailrace/load/quantiles.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/policy/catalog.h"
#include "tailrace/sim/service.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;
using sim::Report;

namespace {

auto takes(Duration time) { return sim::service<int>(sim::constant(time)); }
const auto plan_of = [](auto build) { return optimise(from_int(build)).value(); };
const auto one = plan_of([](Stream<int> x) { return x.then("s", takes(2ms)); });

sim::Workload<int> at(std::vector<Duration> times, Request request = {}) {
  return {load::Recorded{std::move(times)}, [](std::uint64_t n) { return static_cast<int>(n); }, request};
}
template <class P>
Report report_of(const P& plan, const sim::Workload<int>& workload, const sim::SimulateOptions& options = {}) {
  return sim::simulate(plan, workload, options).value();
}
template <class P>
std::string mistake(const P& plan, const sim::Workload<int>& workload, const sim::SimulateOptions& options = {}) {
  const auto r = sim::simulate(plan, workload, options);
  return r ? "none" : r.error().what();
}

}  // namespace

TEST_CASE("simulate: a small run, counted by hand") {
  // Served 0-2, 2-4 and 4-6 ms; the fourth alone, 8-10 ms.
  const Report r = report_of(one, at({0ms, 1ms, 2ms, 8ms}));
  CHECK((r.requests == 4 && r.count(Code::none) == 4 && r.time == 8ms));
  CHECK((r.latency.mean == 2750us && r.latency.p50 == 2ms && r.latency.max == 4ms));
  CHECK(r.in_flight == Approx((2 + 3 + 4.) / 8));
  CHECK(r.most_in_flight == 2);
  CHECK(r.worker_utilisation() == Approx(6. / 8));
  REQUIRE((r.stages.size() == 1 && r.queues.size() == 1));
  CHECK((r.stages[0].where == "s" && r.stages[0].calls == 4 && r.stages[0].places == 1));
  CHECK(r.stages[0].running == Approx(6. / 8));
  CHECK(r.queues[0].mean == Approx(3. / 8));
  CHECK(r.queues[0].most == 1);
}

TEST_CASE("simulate: warm-up requests run and are not counted") {
  const Report r = report_of(one, at({0ms, 1ms, 2ms, 8ms}), {.warm_up = 2});
  CHECK((r.requests == 2 && r.time == 6ms && r.latency.count == 2));
  CHECK(r.latency.max == 4ms);
  CHECK(r.worker_utilisation() == Approx(4. / 6));
}

TEST_CASE("simulate: every outcome is counted, and deadlines end on time") {
  const auto f =
      plan_of([](Stream<int> x) { return cascade("k", x.then("bad", fail_if(3)), exit_if(takes(1ms), always), same); });
  const Report r = report_of(f, at({0ms, 0ms, 0ms, 0ms, 5ms}, {.within = 2500us}), {.max_in_flight = 3});
  // Served one after another, 1 ms each; the third not within 2.5 ms, the fourth has no room, the fifth is alone.
  CHECK(r.requests == 5);
  CHECK((r.count(Code::none) == 3 && r.count(Code::deadline_missed) == 1 && r.count(Code::overloaded) == 1));
  REQUIRE(r.outcomes.size() == 3);
  CHECK(r.outcomes[1].example == "the deadline passed before there was an answer");
  CHECK(r.latency.max == 2ms);
  const Report failed = report_of(f, at({0ms, 1ms, 2ms, 3ms}));
  CHECK(failed.count(Code::bad_value) == 1);
  CHECK(failed.outcomes.back().example == "bad: not 3");
}

TEST_CASE("simulate: answers at the deadline are anytime answers") {
  const auto f = plan_of([](Stream<int> x) { return cascade("k", x, exit_if(takes(1ms), never_so), takes(9ms)); });
  std::ostringstream raw;
  const Report r = report_of(f, at({0ms, 20ms}, {.within = 4ms}), {.raw = &raw});
  CHECK((r.count(Code::none) == 2 && r.anytime == 2));
  CHECK((r.latency.p50 == 4ms && r.latency.max == 4ms));
  CHECK(raw.str() ==
        "request,arrival_ns,latency_ns,code,rung,winner,anytime,fallback,late\n"
        "0,0,4000000,answered,0,,1,0,0\n"
        "1,20000000,4000000,answered,0,,1,0,0\n");
}

TEST_CASE("simulate: a closed loop has as many requests under way as clients") {
  const Report r = report_of(one, {load::Closed{3}}, {.requests = 600});
  CHECK((r.requests == 600 && r.most_in_flight == 3));
  CHECK(r.worker_utilisation() == Approx(1).epsilon(.01));
  CHECK(r.latency.p50 == 6ms);
  const Report thinks = report_of(one, {load::Closed{1, 6ms}}, {.requests = 100});
  CHECK(thinks.worker_utilisation() == Approx(.25).epsilon(.02));
  CHECK(thinks.latency.max == 2ms);
  // Three clients that think as long as one service takes, on average and exponentially: the weights of 0 to 3 of them
  // waiting or served are 1, 3, 6 and 6.
  const auto random = plan_of([](Stream<int> x) { return x.then("s", sim::service<int>(sim::exponential(1ms))); });
  const Report repair = report_of(random, {load::Closed{3, 1ms, true}}, {.requests = 50000});
  CHECK(repair.worker_utilisation() == Approx(1 - 1. / 16).epsilon(.01));
}

TEST_CASE("simulate: nothing arrives after the end") {
  CHECK(report_of(one, {load::Poisson{1000}}, {.until = 1s}).requests == Approx(1000).margin(150));
  CHECK(report_of(one, {load::Closed{2}}, {.until = 1s}).requests == Approx(501).margin(2));
}

TEST_CASE("simulate: one seed gives one run, another one another, the plan's other stages nothing") {
  const auto f = plan_of([](Stream<int> x) {
    return race("r", x, sim::service<int>(sim::exponential(1ms)), sim::service<int>(sim::gamma(2, 1ms)));
  });
  const auto files = [&](std::uint64_t seed) {
    std::ostringstream events, raw;
    const sim::Workload<int> w{load::Mmpp{900, 100, 50ms, 50ms}, {}, {.within = 8ms}};
    report_of(f, w, {.seed = seed, .workers = 2, .requests = 2000, .events = &events, .raw = &raw});
    return events.str() + raw.str();
  };
  CHECK(files(1) == files(1));
  CHECK(files(1) != files(2));
}

TEST_CASE("simulate: events as CSV") {
  const auto f = plan_of([](Stream<int> x) {
    return race("r", x, takes(1ms), takes(2ms)).then("bad, if 1", fail_if(1)).then("s", takes(1ms));
  });
  std::ostringstream events;
  report_of(f, at({0ms, 1ms, 10ms, 10ms}, {.within = 3ms}), {.workers = 2, .max_in_flight = 3, .events = &events});
  CHECK(events.str() == golden("events_csv", events.str()));
}

TEST_CASE("simulate: reports as text and as JSON") {
  Report r = report_of(one, at({0ms, 1ms, 2ms, 8ms}, {.within = 3ms}));
  CHECK(sim::to_text(r) == golden("report_text", sim::to_text(r)));
  r.outcomes[1].example = "not \"UTF-8\": \xff";
  CHECK(sim::to_json(r) == golden("report_json", sim::to_json(r)));
  CHECK(sim::to_text(Report{}).find("0 requests") != std::string::npos);
}

TEST_CASE("simulate: quantiles are exact") {
  std::vector<Duration> times;
  for (int i = 1; i <= 1000; ++i) times.push_back(Duration((i * 7) % 1009));
  std::vector<Duration> sorted = times;
  std::sort(sorted.begin(), sorted.end());
  const auto l = sim::summarise(times);
  CHECK((l.count == 1000 && l.max == sorted[999] && l.p999 == sorted[998] && l.p99 == sorted[989]));
  CHECK((l.p90 == sorted[899] && l.p50 == sorted[499]));
  CHECK(sim::summarise({}) == sim::Latencies{});
  const auto lone = sim::summarise({5ns});
  CHECK((lone.p50 == 5ns && lone.p999 == 5ns && lone.mean == 5ns && lone.max == 5ns));
}

TEST_CASE("simulate: what is never answered is said") {
  std::mutex mutex;
  std::vector<Completion<int>> kept;
  const auto keeps = [&](const int&, Completion<int> done) {
    const std::lock_guard lock(mutex);
    kept.push_back(std::move(done));
  };
  const auto f = plan_of([&](Stream<int> x) {
    const auto which = [](int i) { return static_cast<std::size_t>(i % 2); };
    return choose("c", x, which, same, keeps);
  });
  // The engine's destruction waits for the Completion; somebody drops it when nobody wants it any more.
  std::thread drops([&] {
    for (bool dropped = false; !dropped; std::this_thread::yield()) {
      const std::lock_guard lock(mutex);
      if ((dropped = !kept.empty() && kept.front().stop_requested())) kept.clear();
    }
  });
  const Report r = report_of(f, at({0ms, 1ms, 2ms}));
  drops.join();
  CHECK((r.requests == 3 && r.count(Code::none) == 2 && r.count(Code::shutting_down) == 1));
  CHECK(r.outcomes.back().example == "nothing was left to happen that could have answered it");
}

TEST_CASE("simulate: quantiles are those of live runs") {
  Random random(1);
  for (std::size_t n = 1; n < 3000; n += 1 + n / 7) {
    std::vector<Duration> times;
    for (std::size_t i = 0; i < n; ++i) times.emplace_back(static_cast<Duration::rep>(random.next() % 10000));
    const auto simulated = sim::summarise(times);
    const auto live = load::summarise(times);
    INFO(n);
    CHECK((simulated.count == live.count && simulated.mean == live.mean && simulated.max == live.max));
    CHECK((simulated.p50 == live.at(.5) && simulated.p90 == live.at(.9)));
    CHECK((simulated.p99 == live.at(.99) && simulated.p999 == live.at(.999)));
  }
}

TEST_CASE("simulate: policies of one's own") {
  struct Always {
    struct State {};
    HedgeAction decide(const HedgeSnapshot&, TimePoint, State&) const noexcept {
      return {HedgeAction::Kind::start, {}};
    }
    void observe(State&, const HedgeSample&) const noexcept {}
  };
  PolicyCatalog mine;
  mine.add_hedge("always", {}, [](const Parameters&) { return Always(); });
  const auto f =
      plan_of([](Stream<int> x) { return hedge("h", x, {"always"}, stage(takes(2ms), {.replicable = true})); });
  const Report r = report_of(f, at({0ms, 5ms, 10ms}), {.policies = std::make_shared<const PolicyCatalog>(mine)});
  CHECK((r.count(Code::none) == 3 && r.copies == 3));
  CHECK(mistake(f, at({0ms})) == "h: there is no hedging policy 'always'");
}

TEST_CASE("simulate: what cannot be simulated says why") {
  CHECK(mistake(one, {load::Poisson{-1}}).find("rate: a rate is a number") == 0);
  CHECK(mistake(one, {load::Poisson{1}}, {.workers = 0}).find("workers: an executor on virtual time needs") == 0);
  CHECK(mistake(one, {load::Poisson{1}}, {.requests = 0}) == "requests: a simulation needs at least 1 request; got 0");
  CHECK(mistake(one, {load::Poisson{1}}, {.max_in_flight = 0}).find("max_in_flight: ") == 0);
  const sim::Workload<int> throws{load::Poisson{1}, [](std::uint64_t n) -> int {
                                    if (n == 5) throw std::runtime_error("no more pictures");
                                    return 1;
                                  }};
  CHECK(mistake(one, throws) == "input: no more pictures");
  struct Odd {
    explicit Odd(int) {}
  };
  const auto odd =
      optimise(flow<Odd>("f", [](Stream<Odd> x) { return x.then("s", [](const Odd&) { return 1; }); })).value();
  CHECK_FALSE(sim::simulate(odd, sim::Workload<Odd>{load::Poisson{1}}));
}
