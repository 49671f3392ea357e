#include "tailrace/load/quantiles.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tailrace::load {
namespace {

constexpr double shares[] = {.5, .9, .99, .999};

// The probability of k for a binomial variable.
double binomial(double n, double k, double share) {
  return std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) + k * std::log(share) +
                  (n - k) * std::log1p(-share));
}

// The smallest rank, from 1, whose value at least this share of `n` does not exceed.
std::uint64_t rank_of(std::uint64_t n, double share) {
  const double exact = static_cast<double>(n) * share;
  const auto rank = static_cast<std::uint64_t>(std::ceil(exact - 1e-9 * std::max(1., exact)));
  return std::clamp<std::uint64_t>(rank, 1, n);
}

}  // namespace

Ranks interval_ranks(std::uint64_t n, double share, double confidence) {
  const double count = static_cast<double>(n), half = (1 - confidence) / 2;
  const double width = 10 * std::sqrt(count * share * (1 - share)) + 40;  // what lies beyond is below 1e-20
  double k = std::max(0., std::floor(count * share - width));
  double p = binomial(count, k, share), below = 0;  // P(B < k)
  Ranks ranks{0, n + 1};
  for (; k <= count; ++k) {
    if (below <= half) ranks.low = static_cast<std::uint64_t>(k);
    if (below >= 1 - half) {
      ranks.high = static_cast<std::uint64_t>(k);
      break;
    }
    below += p;
    p *= (count - k) / (k + 1) * share / (1 - share);
  }
  return ranks;
}

Duration Latencies::at(double share) const noexcept {
  for (const Quantile& q : quantiles)
    if (q.share == share) return q.value;
  return {};
}

Latencies summarise(std::vector<Duration> times) {
  Latencies l;
  if (times.empty()) return l;
  std::sort(times.begin(), times.end());
  const auto at = [&](std::uint64_t rank) { return times[static_cast<std::size_t>(rank) - 1]; };
  l.count = times.size();
  double sum = 0;
  for (const Duration t : times) sum += static_cast<double>(t.count());
  l.mean = Duration(static_cast<Duration::rep>(std::floor(sum / static_cast<double>(l.count) + .5)));
  l.max = times.back();
  for (const double share : shares) {
    const Ranks ranks = interval_ranks(l.count, share);
    Quantile& q = l.quantiles.emplace_back();
    q.share = share;
    q.value = at(rank_of(l.count, share));
    if (ranks.low > 0) q.low = at(ranks.low);
    if (ranks.high <= l.count) q.high = at(ranks.high);
  }
  return l;
}

Median median_of(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  const std::size_t n = numbers.size();
  const Ranks ranks = interval_ranks(n, .5);
  Median m;
  m.value = (numbers[(n - 1) / 2] + numbers[n / 2]) / 2;
  m.low = ranks.low > 0 ? numbers[ranks.low - 1] : -std::numeric_limits<double>::infinity();
  m.high = ranks.high <= n ? numbers[ranks.high - 1] : std::numeric_limits<double>::infinity();
  return m;
}

}  // namespace tailrace::load
