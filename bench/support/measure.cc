#include "support/measure.h"

#include <algorithm>
#include <chrono>

namespace bench {
namespace {

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double timed(const Arm& arm, long n) {
  const double begin = wall_seconds();
  arm.run(n);
  return wall_seconds() - begin;
}
// How often an arm must do its work to fill a round.
long repetitions(const Arm& arm, double seconds) {
  long n = 1;
  for (;;) {
    const double took = timed(arm, n);
    if (took >= seconds / 4) return std::max(1L, static_cast<long>(static_cast<double>(n) * seconds / took));
    n *= 4;
  }
}

Comparison attempt(std::size_t arms, const std::function<double(std::size_t)>& once, int rounds) {
  Comparison c;
  c.arms.resize(arms);
  const ForeignLoad foreign;
  for (int round = 0; round < rounds; ++round)
    for (std::size_t k = 0; k < arms; ++k) {
      const std::size_t i = round % 2 ? arms - 1 - k : k;
      c.arms[i].push_back(once(i));
    }
  c.foreign = foreign.share();
  return c;
}

}  // namespace

Stats stats(std::vector<double> v) {
  if (v.empty()) return {};
  std::sort(v.begin(), v.end());
  const auto at = [&](double share) {
    return v[static_cast<std::size_t>(share * static_cast<double>(v.size() - 1) + .5)];
  };
  return {v.front(), at(.5), at(.5) != 0 ? (at(.75) - at(.25)) / at(.5) : 0};
}

Series divide(const Series& a, const Series& b) {
  Series r;
  for (std::size_t i = 0; i < a.size(); ++i) r.push_back(a[i] / b[i]);
  return r;
}
Series subtract(const Series& a, const Series& b) {
  Series r;
  for (std::size_t i = 0; i < a.size(); ++i) r.push_back(a[i] - b[i]);
  return r;
}
Series slope(const Series& few, const Series& many, double units) {
  Series r = subtract(many, few);
  for (double& x : r) x /= units;
  return r;
}

void check_answers(const std::vector<Arm>& arms) {
  for (long n : {1L, 2L, 7L}) {
    const auto expected = arms[0].run(n);
    for (const Arm& arm : arms)
      if (const auto got = arm.run(n); got != expected)
        throw WrongAnswer{arm.name + " answered " + std::to_string(got) + " where " + arms[0].name + " answered " +
                          std::to_string(expected)};
  }
}

Comparison compare(const std::vector<Arm>& arms, const Options& options) {
  check_answers(arms);
  return time(arms, options);
}

Comparison take_turns(std::size_t arms, const std::function<double(std::size_t)>& once, const Options& options) {
  Comparison best;
  for (int i = 1; i <= options.attempts; ++i) {
    Comparison c = attempt(arms, once, options.rounds);
    c.quiet = c.foreign <= options.most_foreign;
    if (i == 1 || c.foreign < best.foreign) best = std::move(c);
    best.attempts = i;
    if (best.quiet) break;
  }
  return best;
}

Comparison time(const std::vector<Arm>& arms, const Options& options) {
  std::vector<long> n;
  for (const Arm& arm : arms) n.push_back(repetitions(arm, options.round_seconds));
  return take_turns(
      arms.size(), [&](std::size_t i) { return timed(arms[i], n[i]) * 1e9 / static_cast<double>(n[i]); }, options);
}

}  // namespace bench
