#pragma once
#include <chrono>
#include <cstdint>

#include "tailrace/core/clock.h"

// Who of those who wait for their turn is served first. A request is *due* at its deadline, or `ageing` after it came
// where that is earlier; each class of priority makes it `ageing` earlier still. The smaller of these times goes first.
// It is known when a request comes and never changes, so that a heap can be kept by it, and it ages by itself: whoever
// comes later is due later. No clock, no thread and no memory in here.
namespace tailrace::policy {

// Between nothing, where who came first is served first, and an hour.
inline constexpr Duration most_ageing = std::chrono::hours(1);

// A waiter's place among others: a strict weak order by before().
struct Place {
  std::int64_t rank = 0;      // nanoseconds of the clock: due, less `ageing` for each class
  std::uint64_t arrival = 0;  // counts those who came
};

// The rank of a request that comes now. Let A be the ageing. A request of priority P is overtaken by one of priority Q
// that comes later by t
//   surely, where t < (Q - P) A and its own deadline has not passed by then;
//   never, where t >= (Q - P + 1) A.
// So nobody is overtaken by a lower priority, and among equal ones by nobody who comes A later, whatever the deadlines;
// of deadlines that are at most A away the earlier one goes first. Priorities count from -1281023 to 1281023 for the
// largest ageing, further in proportion for a smaller one, and beyond as these.
// REQUIRES: 0 <= ageing <= most_ageing, and `now` is within 36 years of the clock's beginning.
std::int64_t rank(int priority, TimePoint deadline, TimePoint now, Duration ageing) noexcept;

inline bool before(const Place& a, const Place& b) noexcept {
  return a.rank != b.rank ? a.rank < b.rank : a.arrival < b.arrival;
}

}  // namespace tailrace::policy
