#pragma once
#include <memory>

#include "tailrace/core/problems.h"
#include "tailrace/engine/executor.h"

namespace tailrace {

// An executor on `threads` threads of its own, started here and joined when the last user lets go. First come, first
// served. One more thread is started by the first deadline that a submitted request brings.
// Errors: bad_value for 0 threads or more than 1024, unsupported where the system refuses a thread.
Built<std::shared_ptr<Executor>> pool_executor(unsigned threads);

}  // namespace tailrace
