#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tailrace/core/problems.h"

namespace tailrace {

// What one call of a model takes that is given so many rows, in seconds.
struct BatchTime {
  std::uint32_t rows = 1;
  std::uint64_t calls = 0;  // how many were measured
  double min = 0, p50 = 0, p99 = 0;
  bool steady = true;  // false: rounds differed so much that something else must have disturbed them
  bool operator==(const BatchTime&) const = default;
};

// t(b) = base + per_row * b, the least squares over the measured medians, and the largest relative distance between the
// line and a measured median. A summary for people: real tables have cliffs, so nothing is decided by it.
struct BatchFit {
  double base = 0, per_row = 0;
  double worst = 0;
};

// The times of calls by their number of rows, as measured: the truth that batching, placing and provisioning read.
//
//   BatchTimes times{{{.rows = 1, .calls = 100, .min = 7e-6, .p50 = 8e-6, .p99 = 1e-5}, {.rows = 8, ...}}};
//   times.seconds(4);  // between those of 1 and 8
struct BatchTimes {
  std::vector<BatchTime> times;  // sorted by rows, each number once

  bool known() const noexcept { return !times.empty(); }
  std::uint32_t largest() const noexcept { return times.empty() ? 0 : times.back().rows; }
  // What a call of so many rows is expected to take: the measured median where there is one, on the line between its
  // neighbours elsewhere; below the smallest it takes what the smallest does, and beyond the largest in proportion.
  // REQUIRES: known(), rows > 0
  double seconds(std::uint32_t rows) const noexcept;
  // The same of p99.
  double p99(std::uint32_t rows) const noexcept;
  // The line through the medians. REQUIRES: known()
  BatchFit fit() const noexcept;
  // What is wrong with it: rows that are 0, come twice or out of order, times that are no positive numbers.
  Problems check() const;
  bool operator==(const BatchTimes&) const = default;
};

}  // namespace tailrace
