#include <algorithm>
#include <limits>

#include "overload/scenario.h"

namespace overload {

std::vector<Service> services() {
  return {{"constant", tr::sim::constant(mean)},
          {"exponential", tr::sim::exponential(mean)},
          {"lognormal 1", tr::sim::lognormal(tr::to_duration(1e-3 * 0.60653066), 1)}};  // its mean is 1 ms
}

std::string name(Wait wait) {
  switch (wait) {
    case Wait::stage: return "stage with a limit";
    case Wait::thread: return "threads";
  }
  return "";
}

Fate fate_of(std::vector<double> latencies, double load, double seconds) {
  Fate fate;
  const double all = static_cast<double>(latencies.size());
  std::erase_if(latencies, [](double l) { return l < 0; });
  const double kept = static_cast<double>(latencies.size());
  std::sort(latencies.begin(), latencies.end());
  const double most = tr::to_seconds(goal) * (1 + 1e-9);
  const auto in_time =
      static_cast<double>(std::upper_bound(latencies.begin(), latencies.end(), most) - latencies.begin());
  fate.offered = load;
  fate.goodput = in_time / (seconds * capacity);
  fate.refused = (all - kept) / all;
  fate.missed = kept > 0 ? 1 - in_time / kept : 0;
  fate.p99 = latencies.empty() ? 0 : latencies[static_cast<std::size_t>(0.99 * (kept - 1))];
  return fate;
}

}  // namespace overload
