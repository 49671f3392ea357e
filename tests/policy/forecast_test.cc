#include "tailrace/policy/forecast.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "policy/queue.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

LatencySketch sketch_of(const Service& service) {
  Random random(7);
  LatencySketch sketch;
  for (int i = 0; i < 4000; ++i) sketch.add(seconds(service(random)));
  return sketch;
}
Service exponential(double mean) {
  return [=](Random& r) { return mean * r.exponential(); };
}

}  // namespace

TEST_CASE("a forecast of nothing is nothing") {
  const HedgeModel model(LatencySketch{}, .5, 2, 0);
  CHECK((model.without().p99 == 0 && model.with_copies_at(1ms).p99 == 0 && model.with_copies_at(1ms).copies == 0));
}

TEST_CASE("a forecast without a queue is the formula") {
  const HedgeModel model(sketch_of(exponential(.01)), 0, 0, 0);
  CHECK(model.without().p99 == Approx(.01 * std::log(100.)).epsilon(.06));
  // Copies from the mean on: a share 1/e of them, of which half win; two halves of a rest are no more work than one.
  const HedgeForecast f = model.with_copies_at(10ms);
  CHECK(f.copies == Approx(std::exp(-1)).epsilon(.08));
  CHECK(f.chance == Approx(.5).epsilon(.08));
  CHECK(f.work == Approx(0).margin(.03));
  CHECK(f.p99 == Approx(.01 + .01 * (std::log(100.) - 1) / 2).epsilon(.06));
  const HedgeModel runs_on(sketch_of(exponential(.01)), 0, 0, HedgeModel::run_on);
  CHECK(runs_on.with_copies_at(10ms).work == Approx(std::exp(-1)).epsilon(.08));
  const HedgeModel same(
      [] {
        LatencySketch sketch;
        for (int i = 0; i < 3; ++i) sketch.add(10ms);
        return sketch;
      }(),
      0, 0, 0);
  CHECK(same.with_copies_at(5ms).work == Approx(.5).epsilon(.07));  // 5 ms more for 10
  CHECK(same.with_copies_at(5ms).chance == 0);
}

TEST_CASE("a forecast of a queue is near queueing theory") {
  // M/M/1: the time in the system is exponential with the rate of service less that of arrivals.
  for (const double load : {.3, .5, .7}) {
    const HedgeModel one(sketch_of(exponential(.01)), load, 1, 0);
    CHECK(one.without().p99 == Approx(.01 * std::log(100.) / (1 - load)).epsilon(.1));
  }
}

// The same queue simulated: copies of calls of several ages, with losers that end soon and that run on.
TEST_CASE("a forecast of copies in a queue is near what a simulation of it says") {
  struct Late {  // a copy of calls that have had their turn for so long
    Duration delay;
    struct State {};
    HedgeAction decide(const HedgeSnapshot& seen, TimePoint, State&) const noexcept {
      if (seen.waiting) return {HedgeAction::Kind::wait, seen.age + delay};
      if (seen.age <= Duration{}) return {HedgeAction::Kind::wait, delay};
      if (seen.age < seen.waited + delay * 31 / 32) return {HedgeAction::Kind::wait, seen.waited + delay};
      return {HedgeAction::Kind::start, {}};
    }
    void observe(State&, const HedgeSample&) const noexcept {}
  };
  const Service service = gamma3(.01);
  const LatencySketch sketch = sketch_of(service);
  for (const auto& [at, places] : {std::pair{.3, 2u}, {.5, 4u}})
    for (const bool kills : {true, false}) {
      const HedgeModel model(sketch, at, places, kills ? .00025 : HedgeModel::run_on);
      Load load{service, at, places, kills};
      load.requests = 60000;
      const double without = judge(NeverHedge{}, load).p99;
      for (const double share : {.5, .8, .9}) {
        const Duration delay = sketch.quantile(share);
        INFO("load " << at << ", " << places << " places, kills " << kills << ", share " << share);
        const Judged found = judge(Late{delay}, load);
        const HedgeForecast said = model.with_copies_at(delay);
        CHECK(said.copies == Approx(found.copies).epsilon(.15));
        if (kills || share > .5)
          CHECK(said.p99 / model.without().p99 == Approx(found.p99 / without).epsilon(kills ? .05 : .09));
      }
    }
}

TEST_CASE("copies are no gain where the places are taken and tails are light") {
  const auto gains = [](const Service& service, double load) {
    const HedgeModel model(sketch_of(service), load, 2, HedgeModel::run_on);
    return model.with_copies_at(15ms).p99 < .98 * model.without().p99;
  };
  CHECK(gains(gamma3(.01), .05));
  CHECK_FALSE(gains(gamma3(.01), .7));
  CHECK(gains(lognormal(.006, 1), .3));
  CHECK_FALSE(gains(lognormal(.006, 1), .9));
}
