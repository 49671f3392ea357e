#include "tailrace/exec/start.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>

#include "tailrace/exec/pool.h"
#include "tailrace/exec/tick.h"
#if TAILRACE_HAS_TBB
#include "tailrace/exec/tbb.h"
#endif

namespace tailrace {
namespace {

unsigned by_affinity() noexcept {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

// cgroup v2: "quota period" in microseconds, or "max period".
unsigned by_quota(unsigned otherwise) {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return otherwise;
  const double processors = std::atof(quota.c_str()) / period;
  return processors > 0 ? static_cast<unsigned>(std::max(1.0, std::floor(processors))) : otherwise;
}

}  // namespace

unsigned usable_processors() noexcept {
  const unsigned affinity = by_affinity();
  try {
    return std::min(affinity, by_quota(affinity));
  } catch (...) {
    return affinity;
  }
}

namespace detail {

Built<std::shared_ptr<Executor>> own_executor(unsigned threads) {
  if (threads == 0) return tick_executor();
  if (threads == default_threads) threads = usable_processors();
#if TAILRACE_HAS_TBB
  return tbb_executor(threads);
#else
  return pool_executor(threads);
#endif
}

Built<EngineCore> start_core(std::shared_ptr<const PlanData> plan, const EngineOptions& options) {
  std::shared_ptr<Executor> executor = options.executor;
  if (!executor) {
    auto own = own_executor(options.threads);
    if (!own) return std::move(own).error();
    executor = std::move(*own);
  }
  return EngineCore::start(
      std::move(plan),
      {options.max_in_flight, options.max_losers, options.max_running, options.ageing, options.shed, options.memory},
      std::move(executor), options.observer, options.runtime, options.policies);
}

}  // namespace detail
}  // namespace tailrace
