// Plans whose stages take a profile's times: the same answers, after the times they should take.
// checks: virtual-timed
#include "tailrace/sim/timed.h"

#include <catch2/catch.hpp>
#include <memory>

#include "support/steps.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/sim/simulate.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;
using sim::Report;

namespace {

// Stages that always take so many milliseconds.
Profile profile_of(std::initializer_list<std::pair<const char*, double>> costs) {
  Profile profile;
  for (const auto& [where, ms] : costs) {
    Cost cost;
    cost.where = where;
    const double t = ms * 1e-3;
    cost.time = {.calls = 100, .min = t, .mean = t, .p50 = t, .p90 = t, .p99 = t};
    profile.add(cost);
  }
  return profile;
}
template <class Build>
Report run(Build build, const Profile& profile, std::vector<Duration> times, sim::SimulateOptions options = {},
           const sim::TimedOptions& how = {}) {
  const auto plan = optimise(from_int(build)).value();
  const sim::Workload<int> workload{load::Recorded{std::move(times)},
                                    [](std::uint64_t n) { return static_cast<int>(n); }};
  return sim::simulate(sim::timed(plan, profile, how).value(), workload, options).value();
}
int doubled(int x) { return 2 * x; }
// How long a lone request takes, in milliseconds.
template <class Build>
double ms(Build build, const Profile& profile) {
  const Report r = run(build, profile, {0ms});
  REQUIRE(r.count(Code::none) == 1);
  return 1e3 * to_seconds(r.latency.max);
}
template <class Build>
std::string mistake(Build build, const Profile& profile) {
  const auto timed = sim::timed(optimise(from_int(build)).value(), profile);
  return timed ? "none" : timed.error().what();
}

}  // namespace

TEST_CASE("timed: stages take their times, on the worker that they hold") {
  const auto two = [](Stream<int> x) { return x.then("a", doubled).then("b", doubled); };
  const auto profile = profile_of({{"a", 1}, {"b", 2}});
  CHECK(ms(two, profile) == Approx(3));
  const Report r = run(two, profile, {0ms, 0ms});
  CHECK(r.latency.max == 6ms);
  REQUIRE(r.stages.size() == 2);
  CHECK((r.stages[0].where == "a" && r.stages[0].calls == 2 && r.stages[1].where == "b"));
  CHECK(run(two, profile, {0ms, 0ms}, {.workers = 2}).latency.max == 3ms);
}

TEST_CASE("timed: answers are those of the plan, and so is the way that a request takes") {
  const auto odd_leaves = [](Stream<int> x) {
    return cascade("c", x, exit_if(doubled, [](int i) { return i % 4 == 2; }), same).then("end", doubled);
  };
  const auto profile = profile_of({{"c[0]", 1}, {"c[1]", 5}, {"end", 1}});
  const auto plan = optimise(from_int(odd_leaves)).value();
  const auto time = sim::virtual_time({.workers = 1}).value();
  auto engine = start(sim::timed(plan, profile).value(), {.executor = time}).value();
  CHECK((*engine.run(3) == 12 && time->now() == TimePoint(2ms)));
  CHECK((*engine.run(4) == 8 && time->now() == TimePoint(9ms)));
}

TEST_CASE("timed: arms, branches and elements") {
  const auto first = [](Stream<int> x) { return race("r", x, doubled, same); };
  CHECK(ms(first, profile_of({{"r[0]", 3}, {"r[1]", 2}})) == Approx(3));  // the one worker is with the first arm
  const Report both = run(first, profile_of({{"r[0]", 3}, {"r[1]", 2}}), {0ms}, {.workers = 2});
  CHECK(both.latency.max == 2ms);
  const auto joined = [](Stream<int> x) {
    return join_with(
        "j", [](int a, int b) { return a + b; }, x.then("a", doubled), x.then("b", doubled));
  };
  CHECK(ms(joined, profile_of({{"a", 1}, {"b", 2}, {"j", 4}})) == Approx(7));
}

TEST_CASE("timed: a limit counts calls that take their time") {
  const auto limited = [](Stream<int> x) { return x.then("s", stage(doubled, {.limit = 1})); };
  const Report r = run(limited, profile_of({{"s", 2}}), {0ms, 0ms, 0ms, 1ms}, {.workers = 3});
  CHECK(r.latency.max == 7ms);
  REQUIRE((r.stages.size() == 1 && r.stages[0].places == 1));
  REQUIRE(r.queues.size() == 2);
  CHECK((r.queues[1].where == "s" && r.queues[1].most == 2));
}

TEST_CASE("timed: a failure is the stage's own, and takes no time") {
  const auto fails = [](Stream<int> x) {
    return x.then("a", doubled).then("b", [](int i) -> Result<int> {
      if (i == 0) return Error(Code::bad_value, "zero");
      return i;
    });
  };
  const Report r = run(fails, profile_of({{"a", 1}, {"b", 1}}), {0ms, 5ms});
  CHECK((r.count(Code::bad_value) == 1 && r.count(Code::none) == 1));
  CHECK(r.outcomes.back().example == "b.value: zero");
}

TEST_CASE("timed: what has no time is named, or takes none") {
  const auto three = [](Stream<int> x) { return x.then("a", doubled).then("b", doubled).then("c", doubled); };
  CHECK(mistake(three, profile_of({{"b", 1}})) ==
        "a: the profile has no time for this stage; measure the flow, or let such stages take none\n"
        "c: the profile has no time for this stage; measure the flow, or let such stages take none");
  CHECK(run(three, profile_of({{"b", 1}}), {0ms}, {}, {.unknown_take_none = true}).latency.max == 1ms);
}

TEST_CASE("timed: values that only move, and requests that give up meanwhile") {
  const auto plan = optimise(from_int([](Stream<int> x) {
                      return x.then("box", [](int i) { return std::make_unique<int>(i); })
                          .then("open", [](std::unique_ptr<int>&& box) { return *box; });
                    })).value();
  const auto time = sim::virtual_time({.workers = 1}).value();
  auto engine = start(sim::timed(plan, profile_of({{"box", 1}, {"open", 1}})).value(), {.executor = time}).value();
  CHECK(*engine.run(7) == 7);
  auto late = engine.submit(8, {.within = 500us});
  CHECK(late.get().error().code() == Code::deadline_missed);
  time->run_until_idle();
}
