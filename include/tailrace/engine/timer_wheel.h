#pragma once
#include <array>
#include <cstdint>

#include "tailrace/engine/executor.h"

namespace tailrace::detail {

// Armed timers, the earliest first; of those that are due at one time, the one that was armed first. One that is due
// before the latest time that take_due() was asked about counts as due then.
//
// A radix tree over due times in nanoseconds, six bits a level. A timer stands in the list of the slot where its time
// first differs from `base_`, a time that nothing armed is due before. All timers of one time are always in one list,
// in the order in which they were armed. Arming and disarming take O(1) and no memory: the links are the timers'. When
// time has come to a slot with many timers, they move to lower levels, each timer at most once a level: ten times.
// Not safe by itself: whoever owns it has a lock.
class TimerWheel {
 public:
  static constexpr unsigned levels = 11;      // of six bits: 66
  static constexpr unsigned looked_over = 8;  // so many timers of one slot are looked through, and not moved

  TimerWheel() = default;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // REQUIRES: it is not armed.
  void arm(TimePoint due, Timer& timer) noexcept;
  // False: it is not armed.
  bool disarm(Timer& timer) noexcept;

  bool empty() const noexcept { return levels_used_ == 0; }
  // When the earliest is due; `never` when empty. Where its slot holds many, a time before that: who looks again then
  // gets nearer, and after ten times there. Behind a look that found nothing, later than that look.
  TimePoint next() const noexcept;
  // Takes the earliest one out if it is due; null otherwise. REQUIRES: `now` is not before that of an earlier call.
  Timer* take_due(TimePoint now) noexcept;
  // Whether there would be one.
  bool is_due(TimePoint now) noexcept { return find_due(time_of(now)) != nullptr; }

 private:
  static constexpr unsigned bits = 6, slots = 1u << bits;
  using Time = std::uint64_t;  // of a TimePoint, in the same order

  static constexpr Time sign = Time{1} << 63;
  static Time time_of(TimePoint t) noexcept { return static_cast<Time>(t.time_since_epoch().count()) ^ sign; }
  static TimePoint point_of(Time t) noexcept { return TimePoint(Duration(static_cast<Duration::rep>(t ^ sign))); }

  unsigned place_of(Time due) const noexcept;         // of a timer, not before base_
  unsigned first_place() const noexcept;              // the earliest slot with timers; REQUIRES: not empty
  Time start_of(unsigned place) const noexcept;       // the least time that belongs there
  Timer* earliest_in(unsigned place) const noexcept;  // null: there are too many to look through
  Timer* find_due(Time now) noexcept;
  void put(Timer& timer, unsigned place) noexcept;
  void unlink(Timer& timer) noexcept;
  void spread(unsigned place) noexcept;

  Time base_ = 0;                      // nothing armed is due before it
  Time looked_ = 0;                    // the latest time that was asked about
  mutable Timer* earliest_ = nullptr;  // null: not known
  std::uint32_t levels_used_ = 0;
  std::array<Time, levels> slots_used_{};
  std::array<Timer*, levels * slots> first_{};  // of each slot's list, which is a ring
};

}  // namespace tailrace::detail
