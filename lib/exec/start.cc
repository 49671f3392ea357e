#include "tailrace/exec/start.h"

#include <algorithm>
#include <string>

#include "tailrace/exec/pool.h"
#include "tailrace/exec/tick.h"
#include "tailrace/model/device.h"
#if TAILRACE_HAS_TBB
#include "tailrace/exec/tbb.h"
#endif

namespace tailrace {

unsigned usable_processors() noexcept {
  try {
    return Devices::detect_cpu().usable();
  } catch (...) {
    return 1;
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
