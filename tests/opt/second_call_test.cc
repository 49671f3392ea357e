// What a second call is worth, against closed forms: exponential times are known exactly by their quantiles.
#include "opt/second_call.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "tailrace/core/random.h"

namespace tr = tailrace;
using namespace tailrace::detail;

namespace {

tr::Times exponential(double mean) {
  tr::Times t;
  t.calls = 1000;
  t.mean = mean;
  t.p50 = mean * std::log(2);
  t.p90 = mean * std::log(10);
  t.p99 = mean * std::log(100);
  return t;
}
tr::Times always(double seconds) { return {1000, seconds, seconds, seconds, seconds, seconds, 0}; }

// Quantiles of what `draw` gives, and of min(X, d + Y), by many draws.
template <class Draw>
tr::Times drawn(Draw draw, std::size_t n = 400000) {
  std::vector<double> x(n);
  for (double& v : x) v = draw();
  std::sort(x.begin(), x.end());
  return {n, x[0], x[n / 2], x[n / 2], x[n * 9 / 10], x[n * 99 / 100], 0};
}

}  // namespace

TEST_CASE("a tail goes through what was measured, and an exponential one is exact everywhere") {
  const Tail tail(exponential(.01));
  for (const double t : {0., .001, .005, .01, .03, .06, .2}) CHECK(tail.above(t) == Approx(std::exp(-t / .01)));
  for (const double q : {.9, .5, .2, .1, .05, .01, .001}) CHECK(tail.at(q) == Approx(.01 * std::log(1 / q)));
  CHECK(tail.above(-1) == 1);
  for (const double d : {0., .004, .01, .05, .1}) {
    CHECK(tail.rest(d) == Approx(.01 * std::exp(-d / .01)));
    CHECK(tail.both(d) == Approx(.005 * std::exp(-d / .01)));
  }
}

TEST_CASE("a second call of an exponential: p99, calls and work are the formulas") {
  const double mean = .01;
  const tr::Times times = exponential(mean);
  // A race of two: the first of them is exponential with half the mean, and both together are as much work as one.
  const SecondCall race = second_call(times, 0, 0);
  CHECK(race.p99 == Approx(mean / 2 * std::log(100)));
  CHECK(race.calls == Approx(1));
  CHECK(race.work == Approx(0).margin(1e-12));
  // From d on, what is left is exponential with half the mean.
  for (const double d : {.001, .01, .02, .04}) {
    const SecondCall late = second_call(times, d, 0);
    CHECK(late.p99 == Approx(d + mean / 2 * (std::log(100) - d / mean)));
    CHECK(late.calls == Approx(std::exp(-d / mean)));
    CHECK(late.work == Approx(0).margin(1e-12));
  }
}

TEST_CASE("a second call is worth nothing where slowness belongs to the input") {
  const tr::Times times = exponential(.01);
  const SecondCall same = second_call(times, .01, 1);
  CHECK(same.p99 == Approx(times.p99));
  CHECK(same.work == Approx(std::exp(-1)));  // it takes as long as the rest of the first one
  // P(T > t) = P(X > t) (c + (1 - c) P(Y > t - d)) at c = 1/2, where P(T > t) = 0.01.
  const double t = second_call(times, .01, .5).p99;
  CHECK(std::exp(-t / .01) * (.5 + .5 * std::exp(-(t - .01) / .01)) == Approx(.01));
}

TEST_CASE("calls that all take the same gain nothing and cost the second call") {
  const SecondCall none = second_call(always(.01), .004, 0);
  CHECK(none.p99 == Approx(.01));
  CHECK(none.calls == 1);
  CHECK(none.work == Approx(.6));
  CHECK(second_call(always(0), 0, 0).work == 0);
  CHECK(best_second_call(always(.01), 1e-5, 0).calls == 0);
}

TEST_CASE("of calls that stall, quantiles promise less than there is") {
  tr::Random random(3);
  const auto draw = [&] { return .008 * (.9 + .2 * random.uniform()) + (random.chance(.02) ? .1 : 0); };
  const tr::Times times = drawn(draw);
  const SecondCall call = best_second_call(times, 30e-6, 0);
  const tr::Times found = drawn([&] {
    const double x = draw();
    return x > call.delay ? std::min(x, call.delay + draw()) : x;
  });
  CHECK(found.p99 < .2 * times.p99);
  CHECK(call.p99 < .6 * times.p99);    // p90 and p99 alone do not say that there is nothing between them
  CHECK(call.p99 >= found.p99 * .99);  // and it never promises more than there is
}

TEST_CASE("lognormal calls: what four quantiles say is near what draws give") {
  tr::Random random(5);
  for (const double sigma : {.5, 1., 1.5}) {
    const auto draw = [&] { return .006 * std::exp(sigma * random.normal()); };
    const tr::Times times = drawn(draw);
    for (const double share : {.1, .05, .02}) {
      const double d = Tail(times).at(share);
      double calls = 0, work = 0, alone = 0;
      const tr::Times found = drawn([&] {
        const double x = draw(), y = draw(), first = x > d ? std::min(x, d + y) : x;
        calls += x > d;
        alone += x;
        work += first + std::max(0., first - d);
        return first;
      });
      const SecondCall call = second_call(times, d, 0);
      INFO("sigma " << sigma << ", share " << share);
      CHECK(call.p99 == Approx(found.p99).epsilon(sigma > 1 ? .12 : .07));
      CHECK(call.calls == Approx(calls / 400000).epsilon(.35));  // a straight line from p90 to p99
      CHECK(call.work == Approx(work / alone - 1).margin(.1));
    }
  }
}

TEST_CASE("the best second call begins so late that each per cent of calls takes off one of p99") {
  const tr::Times times = exponential(.01);
  const SecondCall best = best_second_call(times, 0, 0);
  CHECK(best.calls <= .1001);
  for (const double share : {.1, .05, .02}) {
    const SecondCall other = second_call(times, Tail(times).at(share), 0);
    CHECK(best.p99 * (1 + best.calls) <= other.p99 * (1 + other.calls) * 1.0001);
  }
  // A thread that must be woken first makes it begin later.
  CHECK(best_second_call(times, .002, 0).delay >= best.delay + .0019);
  CHECK(best_second_call(times, .002, 0).p99 > best.p99);
}
