#include "overhead/engines.h"

#include <string>
#if TAILRACE_HAS_TBB
#include <tailrace/exec/tbb.h>
#else
#include <tailrace/exec/pool.h>
#endif

namespace overhead {

namespace tr = tailrace;

tr::Flow<Value, Value> chain(int length, const tr::StageOptions& options) {
  return tr::flow<Value>("chain", [&](tr::Stream<Value> s) {
    for (int i = 0; i < length; ++i) s = s.then("s" + std::to_string(i), tr::stage(Step{}, options));
    return s;
  });
}

tr::EngineOptions one_thread() {
  tr::EngineOptions options;
#if TAILRACE_HAS_TBB
  static oneapi::tbb::task_arena one_slot(1);
  options.executor = tr::tbb_executor(one_slot);
#else
  options.executor = tr::pool_executor(1).value();
#endif
  return options;
}

}  // namespace overhead
