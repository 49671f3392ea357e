#include "cli/measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace tailrace::cli {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

void time_round(Contender& contender) {
  const auto begin = Clock::now();
  contender.round();
  contender.round_seconds.push_back(seconds_since(begin));
}

void time_requests(Contender& contender, std::size_t requests) {
  if (!contender.request) return;
  for (std::size_t i = 0; i < requests; ++i) {
    const auto begin = Clock::now();
    contender.request(i);
    contender.request_seconds.push_back(seconds_since(begin));
  }
}

}  // namespace

void measure(std::vector<Contender>& contenders, const MeasureOptions& options) {
  for (auto& contender : contenders) contender.round();  // warm
  const auto begin = Clock::now();
  for (std::size_t round = 0; round < options.most_rounds; ++round) {
    if (round >= options.least_rounds && seconds_since(begin) > options.seconds) break;
    for (std::size_t k = 0; k < contenders.size(); ++k) time_round(contenders[(round + k) % contenders.size()]);
    for (std::size_t k = 0; k < contenders.size(); ++k)
      time_requests(contenders[(round + k) % contenders.size()], options.requests);
  }
}

double percentile(std::vector<double> values, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double median(std::vector<double> values) { return percentile(std::move(values), 0.5); }

double median_ratio(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < a.size(); ++i) ratios.push_back(a[i] / b[i]);
  return median(std::move(ratios));
}

}  // namespace tailrace::cli
