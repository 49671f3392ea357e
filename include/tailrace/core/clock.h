#pragma once
#include <chrono>

namespace tailrace {

// All times inside the library are of one steady clock; executors say what "now" is.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

// "No deadline", and "not yet".
inline constexpr TimePoint never = TimePoint::max();

// The steady-clock time at which the system clock will show `wall`, as the two clocks stand now. A wall clock that is
// set afterwards does not move the deadline. Times more than a century away are `never`, or long past.
TimePoint deadline_from(std::chrono::system_clock::time_point wall) noexcept;

// Seconds as a Duration, to the nearest one. What is too long (or no number) becomes the longest that can still be
// added to a time: 97 years, or as much below zero.
Duration to_duration(double seconds) noexcept;
constexpr double to_seconds(Duration duration) noexcept { return std::chrono::duration<double>(duration).count(); }

}  // namespace tailrace
