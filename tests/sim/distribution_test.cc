// Distributions of service times: means, tails, draws that are the same everywhere, and what is refused.
#include "tailrace/sim/distribution.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

using namespace tailrace;
using namespace std::chrono_literals;
using sim::Distribution;

namespace {

std::vector<double> draws(const Distribution& d, int n = 200000) {
  Random random(5);
  std::vector<double> list;
  for (int i = 0; i < n; ++i) list.push_back(to_seconds(d.draw(random)));
  std::sort(list.begin(), list.end());
  return list;
}
double share_above(const std::vector<double>& sorted, double x) {
  return static_cast<double>(sorted.end() - std::upper_bound(sorted.begin(), sorted.end(), x)) /
         static_cast<double>(sorted.size());
}

const Distribution stalls = sim::mixture({{.95, sim::lognormal(30ms, .1)}, {.05, sim::uniform(100ms, 300ms)}});

}  // namespace

TEST_CASE("distributions: the mean of draws is the mean") {
  for (const auto& d :
       {sim::constant(3ms), sim::exponential(2ms), sim::uniform(1ms, 5ms), sim::gamma(3, 10ms), sim::gamma(.5, 10ms),
        sim::lognormal(26700us, 1), sim::pareto(1ms, 3), stalls,
        sim::quantiles({{0, 1ms}, {.5, 2ms}, {.9, 4ms}, {.99, 10ms}}), sim::quantiles({{0, 1ms}, {1, 2ms}})}) {
    const auto list = draws(d);
    double sum = 0, squares = 0;
    for (const double x : list) sum += x, squares += x * x;
    const double mean = sum / 200000, deviation = std::sqrt(std::max(0., squares / 200000 - mean * mean));
    INFO(static_cast<int>(d.kind) << ": " << mean << " for " << d.mean());
    CHECK(std::abs(mean - d.mean()) <= 5 * deviation / std::sqrt(200000.) + 1e-12);
  }
}

TEST_CASE("distributions: tails are as long as they say") {
  const double e = 5 * std::sqrt(.01 / 200000);  // five standard errors of a share of one in a hundred
  CHECK(share_above(draws(sim::exponential(1ms)), 1e-3 * std::log(100.)) == Approx(.01).margin(e));
  CHECK(share_above(draws(sim::pareto(1ms, 2)), 10e-3) == Approx(.01).margin(e));
  CHECK(share_above(draws(sim::lognormal(1ms, 1)), 1e-3 * std::exp(2.3263478740408408)) == Approx(.01).margin(e));
  // The Gamma of W2 (shape 3, 10 ms): p50 26.7 ms, p99 84.2 ms.
  CHECK(share_above(draws(sim::gamma(3, 10ms)), .08406) == Approx(.01).margin(e));
  CHECK(share_above(draws(sim::gamma(3, 10ms)), .02674) == Approx(.5).margin(.006));
  CHECK(share_above(draws(stalls), .1) == Approx(.05).margin(.0025));
  const auto table = draws(sim::quantiles({{0, 1ms}, {.5, 2ms}, {.9, 4ms}, {.99, 10ms}}));
  CHECK(table.front() >= 1e-3);
  CHECK(share_above(table, 2e-3) == Approx(.5).margin(.006));
  CHECK(share_above(table, 4e-3) == Approx(.1).margin(.0035));
  CHECK(share_above(table, 10e-3) == Approx(.01).margin(e));
  // From p90 to p99 one in ten is left over 6 ms; so it goes on.
  CHECK(share_above(table, 16e-3) == Approx(.001).margin(5 * std::sqrt(.001 / 200000)));
}

TEST_CASE("distributions: what was measured") {
  Times times;
  CHECK(sim::quantiles(times).problem == "nothing was measured there: the profile knows no time");
  times = {100, 1e-3, 2.2e-3, 2e-3, 3e-3, 5e-3, 0};
  const auto d = sim::quantiles(times);
  CHECK(d.problem.empty());
  CHECK(share_above(draws(d), 5e-3) == Approx(.01).margin(.0011));
  CHECK(draws(d).front() >= 1e-3);
}

TEST_CASE("distributions: the same draws everywhere") {
  Random r(9);
  const std::vector<Duration> drawn = {sim::exponential(1ms).draw(r), sim::uniform(1ms, 2ms).draw(r),
                                       sim::gamma(3, 10ms).draw(r),   sim::lognormal(20ms, .5).draw(r),
                                       sim::pareto(1ms, 2).draw(r),   stalls.draw(r)};
  CHECK(drawn == std::vector<Duration>{382194ns, 1750695ns, 16780677ns, 13254699ns, 1008329ns, 34346040ns});
}

TEST_CASE("distributions: what makes no sense says so, and draws nothing") {
  const auto problem = [](const Distribution& d) {
    Random r(1);
    CHECK(d.draw(r) == 0ns);
    return d.problem;
  };
  CHECK(problem(sim::constant(-1ms)) == "a constant time is from 0 to a year");
  CHECK(problem(sim::exponential(-1ms)) == "an exponential distribution has a mean from 0 to a year");
  CHECK(problem(sim::uniform(2ms, 1ms)) == "a uniform distribution goes from 0 or more up to at most a year");
  CHECK(problem(sim::gamma(0, 1ms)) == "a Gamma distribution has a shape above 0 and up to 1e9");
  CHECK(problem(sim::gamma(std::nan(""), 1ms)) == "a Gamma distribution has a shape above 0 and up to 1e9");
  CHECK(problem(sim::lognormal(1ms, -1)) == "a lognormal distribution has a sigma from 0 to 10");
  CHECK(problem(sim::pareto(1ms, 0)) == "a Pareto distribution has an exponent above 0 and up to 1e9");
  CHECK(problem(sim::mixture({{.5, sim::constant(1ms)}})) == "the shares of a mixture sum to 1");
  CHECK(problem(sim::mixture({})) == "the shares of a mixture sum to 1");
  CHECK(problem(sim::mixture({{1, sim::gamma(-1, 1ms)}})) == "a Gamma distribution has a shape above 0 and up to 1e9");
  CHECK(problem(sim::quantiles({{0, 1ms}})) == "a table of quantiles has two or more, the first of share 0");
  CHECK(problem(sim::quantiles({{0, 1ms}, {.5, 2ms}, {.5, 3ms}})) == "the shares of quantiles rise");
  CHECK(problem(sim::quantiles({{0, 3ms}, {1, 2ms}})) == "the times of quantiles do not fall");
  CHECK(std::isinf(sim::pareto(1ms, 1).mean()));
}
