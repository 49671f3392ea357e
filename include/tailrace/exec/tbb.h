#pragma once
#include <memory>

#include <oneapi/tbb/task_arena.h>

#include "tailrace/core/problems.h"
#include "tailrace/engine/executor.h"

// The one public header that names oneTBB types; tailrace/tailrace.h does not include it.
namespace tailrace {

// An executor on an arena of yours, which must outlive every engine that uses it. Starts no worker: tasks are enqueued
// in the arena and run when oneTBB gives it threads. concurrency() is the arena's.
std::shared_ptr<Executor> tbb_executor(oneapi::tbb::task_arena& arena);

// An executor on `threads` threads of its own, lent to an arena of its own, so that oneTBB's global limits and other
// users of oneTBB in the process are left alone. Errors as of pool_executor.
Built<std::shared_ptr<Executor>> tbb_executor(unsigned threads);

}  // namespace tailrace
