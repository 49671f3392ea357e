#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/measure.h"

// A thread that asks another one to do something so small that only the way there and back is measured.
namespace submitting {

using Value = std::uint32_t;
inline Value work(Value x) { return x * 3 + 1; }

// One way of asking; `ask` returns with the answer. The thread that works lives as long as this does.
struct Asked {
  std::string name;
  std::function<Value(Value)> ask;
};

// ---- tailrace.cc: `submit`, then `get`, on an engine with one thread
Asked submit_to_arena();  // oneTBB's, as an engine starts it; without oneTBB the same as the next
Asked submit_to_pool();

// ---- threads.cc: a thread with a queue, under a lock, that sleeps on a condition variable
Asked queue_and_future();  // std::promise and std::future
Asked queue_and_look();    // who waits looks as often as ours, then sleeps on a futex
Asked wake_and_spin();     // no queue: one futex wake, who waits never sleeps; as fast as a wake can be

// ---- tbb_arena.cc: a task enqueued in an arena of one worker
#if TAILRACE_HAS_TBB
Asked enqueue_and_future();
Asked enqueue_and_look();
#endif

}  // namespace submitting
