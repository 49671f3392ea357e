#pragma once
#include <utility>

#include "tailrace/engine/executor.h"

namespace tailrace::detail {

// The executor whose task the calling thread is running, if any. Tasks may nest when a worker waits.
inline thread_local const Executor* current_executor = nullptr;

inline void run_as_worker(const Executor& executor, Task& task) noexcept {
  const Executor* outer = std::exchange(current_executor, &executor);
  task.run(task);
  current_executor = outer;
}

}  // namespace tailrace::detail
