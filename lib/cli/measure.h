#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace tailrace::cli {

// One way of answering the same requests, to be timed beside others.
struct Contender {
  std::function<void()> round;                         // answers every request once
  std::function<void(std::size_t)> request = nullptr;  // answers one; null: only whole rounds are timed
  std::vector<double> round_seconds = {};
  std::vector<double> request_seconds = {};
};

struct MeasureOptions {
  std::size_t requests = 0;  // in a round
  double seconds = 2;        // about so long, but at least `least_rounds`
  std::size_t least_rounds = 7;
  std::size_t most_rounds = 200;
};

// Rounds of all contenders in turn, each round in another order, so that what disturbs the machine disturbs all of them
// alike. Whole rounds and single requests are timed in rounds of their own: reading the clock costs time too.
void measure(std::vector<Contender>& contenders, const MeasureOptions& options);

// The smallest value that at least this share of all values do not exceed. REQUIRES: not empty, 0 < share <= 1.
double percentile(std::vector<double> values, double share);
double median(std::vector<double> values);

// The median over rounds of a's time by b's in the same round. REQUIRES: as many rounds of both.
double median_ratio(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace tailrace::cli
