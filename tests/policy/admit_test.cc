// checks: would-miss-chance
#include "tailrace/policy/admit.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "policy/queue.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

using Kind = AdmitSample::Kind;
constexpr AdmitInTime policy;

// What a policy knows of a stage after so many turns, each of which was followed by `rest`.
AdmitInTime::State taught(const Service& turn, Duration rest = {}, int requests = 4000) {
  AdmitInTime::State state;
  Random random(11);
  for (int i = 0; i < requests; ++i) {
    const Duration took = seconds(turn(random));
    policy.observe(state, {Kind::turn, took});
    policy.observe(state, {Kind::answer, took + rest});
  }
  return state;
}
Service constant(double s) {
  return [=](Random&) { return s; };
}
Service exponential(double mean) {
  return [=](Random& r) { return mean * r.exponential(); };
}
bool admits(AdmitInTime::State& state, const AdmitSnapshot& seen) {
  return policy.decide(seen, state) == Admission::admit;
}
bool near(Duration a, double b) { return std::abs(in_seconds(a) / b - 1) < .05; }

}  // namespace

TEST_CASE("admit: nobody is refused before 32 requests were seen") {
  auto state = taught(constant(.001), {}, 31);
  CHECK(admits(state, {1us, 100, 1, true}));
  policy.observe(state, {Kind::turn, 1ms});
  policy.observe(state, {Kind::answer, 1ms});
  CHECK_FALSE(admits(state, {1us, 100, 1, true}));
}

TEST_CASE("admit: constant turns are added up") {
  auto state = taught(constant(.001), 500us);
  CHECK(admits(state, {11900us, 10, 1, true}));
  CHECK_FALSE(admits(state, {10900us, 10, 1, true}));
  CHECK(admits(state, {6800us, 10, 2, true}));
  CHECK_FALSE(admits(state, {6200us, 10, 2, true}));
  CHECK(near(policy.need({{}, 10, 1, true}, state), .0115));
}

TEST_CASE("admit: who takes the turn of another one needs a chance of 0.995, who does not 0.01") {
  auto state = taught(exponential(.001));
  const double sure = -std::log(.005), hopeless = -std::log(.99);
  CHECK(admits(state, {seconds(.001 * sure * 1.25), 0, 1, true}));
  CHECK_FALSE(admits(state, {seconds(.001 * sure * .75), 0, 1, true}));
  CHECK(admits(state, {seconds(.001 * hopeless * 2), 0, 1, false}));
  CHECK_FALSE(admits(state, {seconds(.001 * hopeless * .3), 0, 1, false}));
}

// Of requests that find a queue of exponential turns, and just enough time, so many have their answer in it.
TEST_CASE("admit: the chance behind a queue is the one it says") {
  auto state = taught(exponential(.001), {}, 20000);
  Random random(5);
  for (const std::uint32_t ahead : {1u, 4u, 16u, 64u}) {
    REQUIRE(admits(state, {1h, ahead, 1, true}));
    const double need = in_seconds(policy.need({{}, ahead, 1, true}, state));
    int met = 0;
    constexpr int tries = 20000;
    for (int i = 0; i < tries; ++i) {
      double all = 0;
      for (std::uint32_t k = 0; k <= ahead; ++k) all += .001 * random.exponential();
      met += all <= need;
    }
    INFO(ahead << " ahead, " << met << " of " << tries);
    CHECK(met > .98 * tries);
    CHECK(met < tries);
  }
}

TEST_CASE("admit: requests that were over without an answer count for what is known of them") {
  AdmitInTime::State state;
  for (int i = 0; i < 400; ++i)
    policy.observe(state, i % 2 ? AdmitSample{Kind::answer, 10ms} : AdmitSample{Kind::missed, 1ms});
  CHECK_FALSE(admits(state, {5ms, 0, 1, true}));
  CHECK(admits(state, {11ms, 0, 1, true}));
}

TEST_CASE("admit: what has become quicker is noticed, although all are refused") {
  auto state = taught(constant(.001));
  int admitted = 0;
  for (int i = 0; i < 20000; ++i)
    if (admits(state, {500us, 0, 1, false})) {
      ++admitted;
      policy.observe(state, {Kind::turn, 100us});
      policy.observe(state, {Kind::answer, 100us});
    }
  CHECK(admitted > 1000);
  CHECK(admits(state, {500us, 0, 1, false}));
}

TEST_CASE("admit: turns of late count more") {
  auto state = taught(constant(.001));
  for (int i = 0; i < 3000; ++i) {
    policy.observe(state, {Kind::turn, 5ms});
    policy.observe(state, {Kind::answer, 5ms});
  }
  CHECK(near(Duration(static_cast<Duration::rep>(state.turn)), .005));
}

TEST_CASE("admit: the one who does not look admits all") {
  AdmitAll all;
  AdmitAll::State state;
  all.observe(state, {Kind::turn, 1h});
  CHECK(all.decide({1ns, 1000, 1, true}, state) == Admission::admit);
}
