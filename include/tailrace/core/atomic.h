#pragma once
#include <atomic>
#include <mutex>

namespace tailrace::detail {

// What several threads of an engine read and write: all of it under one name, so that a test can put a type in its
// place that a scheduler steers (tests/interleave).
template <class T>
using Atomic = std::atomic<T>;
using Mutex = std::mutex;

// How often who waits looks before it sleeps: a few microseconds, what a warm hand-over takes.
inline constexpr int looks_before_sleep = 100;

}  // namespace tailrace::detail
