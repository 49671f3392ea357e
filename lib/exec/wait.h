#pragma once
#include <atomic>
#include <cstdint>

#include "tailrace/core/clock.h"

namespace tailrace::detail {

// Sleeps until somebody wakes the word's address, or `until` has passed, or sometimes for no reason; returns at once if
// the word is not `seen`. C++20's atomic wait has no time limit, so this is the system's futex.
void wait_on(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept;
void wake_all(const std::atomic<std::uint32_t>& word) noexcept;

}  // namespace tailrace::detail
