#pragma once
#include <memory>

#include "tailrace/engine/executor.h"
#include "tailrace/plan/profile.h"

// What the machine and the engine take by themselves, without a stage.
namespace tailrace::detail {

// From spawn() to the beginning of the task, on a worker that had nothing to do for some milliseconds. Nothing known
// where the executor has no thread that begins it within a second.
Times measure_wake(Executor& executor, int samples);

// What one more block costs a request with a deadline, on a thread that goes on with it.
Times measure_hand_over(const std::shared_ptr<Executor>& executor);

}  // namespace tailrace::detail
