#include "tailrace/sim/distribution.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

namespace tailrace::sim {
namespace {

using Kind = Distribution::Kind;
using Quantile = Distribution::Quantile;

// The mean excess behind the last quantile: an exponential through the last two.
double tail(const std::vector<Quantile>& table) noexcept {
  const Quantile &last = table.back(), &before = table[table.size() - 2];
  if (last.share >= 1) return 0;
  return to_seconds(last.time - before.time) / detail::same_log((1 - before.share) / (1 - last.share));
}

double draw_of(const std::vector<Quantile>& table, Random& random) noexcept {
  const double share = random.uniform();
  const auto above = std::find_if(table.begin(), table.end(), [&](const Quantile& q) { return share < q.share; });
  if (above == table.end()) return to_seconds(table.back().time) + tail(table) * random.exponential();
  const Quantile& below = *std::prev(above);
  const double way = (share - below.share) / (above->share - below.share);
  return to_seconds(below.time) + way * to_seconds(above->time - below.time);
}

double mean_of(const std::vector<Quantile>& table) noexcept {
  if (table.size() < 2) return 0;
  double sum = (1 - table.back().share) * (to_seconds(table.back().time) + tail(table));
  for (std::size_t i = 1; i < table.size(); ++i)
    sum += (table[i].share - table[i - 1].share) * to_seconds(table[i].time + table[i - 1].time) / 2;
  return sum;
}

double seconds_of(const Distribution& d, Random& random) noexcept {
  switch (d.kind) {
    case Kind::constant: return d.a;
    case Kind::exponential: return d.a * random.exponential();
    case Kind::uniform: return d.a + (d.b - d.a) * random.uniform();
    case Kind::gamma: return d.b * random.gamma(d.a);
    case Kind::lognormal: return d.a * detail::same_exp(std::min(700., d.b * random.normal()));
    case Kind::pareto: return d.a * detail::same_exp(std::min(700., random.exponential() / d.b));
    case Kind::quantiles: return draw_of(d.table, random);
    case Kind::mixture: break;
  }
  double left = random.uniform();
  for (const auto& part : d.parts)
    if ((left -= part.share) < 0) return seconds_of(part.of, random);
  return seconds_of(d.parts.back().of, random);
}

Distribution make(Kind kind, double a = 0, double b = 0) {
  Distribution d;
  d.kind = kind;
  d.a = a;
  d.b = b;
  return d;
}

void expect(Distribution& d, bool holds, const char* what) {
  if (!holds && d.problem.empty()) d.problem = what;
}

// The longest time allowed keeps products of it far from the end of a Duration.
bool sound(Duration time) noexcept { return time >= Duration{} && time <= std::chrono::hours(24 * 365); }

}  // namespace

Duration Distribution::draw(Random& random) const noexcept {
  if (!problem.empty()) return {};
  return std::max(Duration{}, to_duration(seconds_of(*this, random)));
}

double Distribution::mean() const noexcept {
  switch (kind) {
    case Kind::constant:
    case Kind::exponential: return a;
    case Kind::uniform: return (a + b) / 2;
    case Kind::gamma: return a * b;
    case Kind::lognormal: return a * std::exp(b * b / 2);
    case Kind::pareto: return b > 1 ? a * b / (b - 1) : std::numeric_limits<double>::infinity();
    case Kind::quantiles: return mean_of(table);
    case Kind::mixture: break;
  }
  double sum = 0;
  for (const Part& part : parts) sum += part.share * part.of.mean();
  return sum;
}

Distribution constant(Duration time) {
  Distribution d = make(Kind::constant, to_seconds(time));
  expect(d, sound(time), "a constant time is from 0 to a year");
  return d;
}

Distribution exponential(Duration mean) {
  Distribution d = make(Kind::exponential, to_seconds(mean));
  expect(d, sound(mean), "an exponential distribution has a mean from 0 to a year");
  return d;
}

Distribution uniform(Duration least, Duration most) {
  Distribution d = make(Kind::uniform, to_seconds(least), to_seconds(most));
  expect(d, sound(least) && sound(most) && least <= most,
         "a uniform distribution goes from 0 or more up to at most a year");
  return d;
}

Distribution gamma(double shape, Duration scale) {
  Distribution d = make(Kind::gamma, shape, to_seconds(scale));
  expect(d, shape > 0 && shape <= 1e9, "a Gamma distribution has a shape above 0 and up to 1e9");
  expect(d, sound(scale), "a Gamma distribution has a scale from 0 to a year");
  return d;
}

Distribution lognormal(Duration median, double sigma) {
  Distribution d = make(Kind::lognormal, to_seconds(median), sigma);
  expect(d, sound(median), "a lognormal distribution has a median from 0 to a year");
  expect(d, sigma >= 0 && sigma <= 10, "a lognormal distribution has a sigma from 0 to 10");
  return d;
}

Distribution pareto(Duration least, double exponent) {
  Distribution d = make(Kind::pareto, to_seconds(least), exponent);
  expect(d, sound(least), "a Pareto distribution has a least time from 0 to a year");
  expect(d, exponent > 0 && exponent <= 1e9, "a Pareto distribution has an exponent above 0 and up to 1e9");
  return d;
}

Distribution mixture(std::vector<Distribution::Part> parts) {
  Distribution d = make(Kind::mixture);
  double sum = 0;
  for (const auto& part : parts) {
    expect(d, part.share >= 0, "a part of a mixture has a share of 0 or more");
    expect(d, part.of.problem.empty(), part.of.problem.c_str());
    sum += part.share;
  }
  expect(d, sum > .999999 && sum < 1.000001, "the shares of a mixture sum to 1");
  d.parts = std::move(parts);
  return d;
}

Distribution quantiles(std::vector<Quantile> table) {
  Distribution d = make(Kind::quantiles);
  expect(d, table.size() >= 2 && table.front().share == 0,
         "a table of quantiles has two or more, the first of share 0");
  for (std::size_t i = 0; i < table.size(); ++i) {
    expect(d, sound(table[i].time) && table[i].share <= 1, "quantiles are times from 0 to a year, of shares up to 1");
    if (i == 0) continue;
    expect(d, table[i].share > table[i - 1].share, "the shares of quantiles rise");
    expect(d, table[i].time >= table[i - 1].time, "the times of quantiles do not fall");
  }
  d.table = std::move(table);
  return d;
}

Distribution quantiles(const Times& times) {
  if (times.known())
    return quantiles({{0, to_duration(times.min)},
                      {.5, to_duration(times.p50)},
                      {.9, to_duration(times.p90)},
                      {.99, to_duration(times.p99)}});
  Distribution d;
  expect(d, false, "nothing was measured there: the profile knows no time");
  return d;
}

}  // namespace tailrace::sim
