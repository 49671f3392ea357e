#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tailrace/core/clock.h"

// Quantiles of what was measured, with intervals that need no assumption about how it is distributed.
namespace tailrace::load {

// Which of `n` values in order, counted from 1, enclose a quantile of what they were drawn from with probability
// `confidence` or more: that of the order statistics X(low) <= q <= X(high), low <= B < high for a binomial B of n and
// `share`, with at most half of what is missing on either side (H. A. David and H. N. Nagaraja, Order Statistics, 3rd
// edition, 7.1). Exact, whatever the distribution is, for draws that are independent of each other. Where `n` is too
// small for a bound, `low` is 0 and `high` is n + 1.
struct Ranks {
  std::uint64_t low = 0, high = 1;
  bool operator==(const Ranks&) const = default;
};
// REQUIRES: 0 < share < 1, 0 < confidence < 1.
Ranks interval_ranks(std::uint64_t n, double share, double confidence = .95);

// The time that this share of the requests did not exceed: the smallest such value that occurred.
struct Quantile {
  double share = 0;
  Duration value{};
  // The 95 % interval. Requests that wait in one queue are not independent: there it is too narrow, and repeated runs
  // (load/compare.h) say more. No `high`: there are too few values.
  Duration low{};
  std::optional<Duration> high{};
};

// Times of many requests.
struct Latencies {
  std::uint64_t count = 0;
  Duration mean{}, max{};
  std::vector<Quantile> quantiles;  // p50, p90, p99, p99.9; none of no times

  // The value of one of these; zero for others.
  Duration at(double share) const noexcept;
};
Latencies summarise(std::vector<Duration> times);

// The median of some numbers, and the 95 % interval of what they were drawn from by the ranks above (the interval that
// belongs to the sign test). Fewer than 6 have no interval: it is infinite.
struct Median {
  double value = 0, low = 0, high = 0;
};
// REQUIRES: there is one.
Median median_of(std::vector<double> numbers);

}  // namespace tailrace::load
