#include "opt/second_call.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tailrace::detail {

namespace {

constexpr double never_ends = std::numeric_limits<double>::infinity();

// The integral from a to b of an f that is exponential there, by its values at a quarter and three quarters of the way.
template <class F>
double integral(const F& f, double a, double b) {
  const double width = b - a, early = f(a + width / 4), late = f(b - width / 4);
  if (!(width > 0) || !(early > 0) || !(late > 0)) return 0;
  const double half = std::log(early / late);  // of what the logarithm falls by from a to b
  const double shape = std::abs(half) < 1e-6 ? 1 : std::sinh(half) / half;
  return std::sqrt(early * late) * width * shape;
}

}  // namespace

Tail::Tail(const Times& t) noexcept
    : points_{{{t.min, 0}, {t.p50, std::log(.5)}, {t.p90, std::log(.1)}, {t.p99, std::log(.01)}}} {}

// How fast the logarithm falls between a point and the next one; behind the last one as before it.
double Tail::rate_behind(std::size_t point) const noexcept {
  const Point &from = points_[std::min<std::size_t>(point, 2)], &to = points_[std::min<std::size_t>(point, 2) + 1];
  return to.seconds > from.seconds ? (from.log_share - to.log_share) / (to.seconds - from.seconds) : never_ends;
}

double Tail::above(double seconds) const noexcept {
  std::size_t behind = points_.size();  // one more than the last point that is passed
  while (behind > 0 && points_[behind - 1].seconds > seconds) --behind;
  if (behind == 0) return 1;
  const Point& last = points_[behind - 1];
  const double rate = rate_behind(behind - 1);
  return rate == never_ends ? 0 : std::exp(last.log_share - rate * (seconds - last.seconds));
}

double Tail::at(double share) const noexcept {
  const double log_share = std::log(share);
  std::size_t point = 0;
  while (point < 2 && points_[point + 1].log_share >= log_share) ++point;
  return points_[point].seconds + (points_[point].log_share - log_share) / rate_behind(point);
}

// Both integrands are exponential between bends, and behind the last one.
double Tail::rest(double delay) const noexcept {
  const auto f = [&](double t) { return above(t); };
  double sum = 0, from = delay;
  for (const Point& p : points_) {
    sum += integral(f, from, p.seconds);
    from = std::max(from, p.seconds);
  }
  return sum + f(from) / rate_behind(3);
}

double Tail::both(double delay) const noexcept {
  std::array<double, 8> bends{};
  for (std::size_t i = 0; i < points_.size(); ++i) {
    bends[2 * i] = std::max(delay, points_[i].seconds);
    bends[2 * i + 1] = delay + points_[i].seconds;
  }
  std::sort(bends.begin(), bends.end());
  const auto f = [&](double t) { return above(t) * above(t - delay); };
  double sum = 0, from = delay;
  for (const double bend : bends) {
    sum += integral(f, from, bend);
    from = bend;
  }
  return sum + f(from) / (2 * rate_behind(3));
}

SecondCall second_call(const Times& times, double delay, double of_input) noexcept {
  const Tail tail(times);
  const auto above = [&](double t) { return tail.above(t) * (of_input + (1 - of_input) * tail.above(t - delay)); };
  double low = 0, high = times.p99;
  for (int i = 0; i < 60; ++i) (above((low + high) / 2) > .01 ? low : high) = (low + high) / 2;
  // From the delay on the call goes on until the first answer instead of to its end, and so does the second one.
  const double alone = tail.rest(0), rest = tail.rest(delay);
  const double first = of_input * rest + (1 - of_input) * tail.both(delay);
  return {delay, high, tail.above(delay), alone > 0 ? (2 * first - rest) / alone : 0};
}

SecondCall best_second_call(const Times& times, double wake, double of_input) noexcept {
  constexpr double shares[] = {.1, .07, .05, .04, .03, .025, .02, .015};
  const auto weigh = [](const SecondCall& s) { return s.p99 * (1 + s.calls); };
  SecondCall best;
  for (const double share : shares) {
    SecondCall one = second_call(times, Tail(times).at(share) + wake, of_input);
    if (best.delay <= 0 || weigh(one) < weigh(best)) best = one;
  }
  return best;
}

}  // namespace tailrace::detail
