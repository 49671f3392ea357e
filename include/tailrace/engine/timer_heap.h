#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tailrace/engine/executor.h"

namespace tailrace::detail {

// Armed timers, the earliest first; of those that are due at one time, the one that was armed first. Arming and
// disarming take O(log n), and memory only when more are armed than ever before. Not safe by itself: whoever owns it
// has a lock.
class TimerHeap {
 public:
  TimerHeap() { entries_.resize(1); }

  // Takes memory for that many timers. Throws std::bad_alloc.
  void reserve(std::size_t timers) { entries_.reserve(timers + 1); }
  // False: there is no memory, and the timer is not armed. REQUIRES: it is not armed.
  bool arm(TimePoint due, Timer& timer) noexcept;
  // False: it is not armed.
  bool disarm(Timer& timer) noexcept;

  bool empty() const noexcept { return entries_.size() == 1; }
  TimePoint next() const noexcept { return empty() ? never : entries_[1].due; }
  // Takes the earliest one out if it is due; null otherwise.
  Timer* take_due(TimePoint now) noexcept;

 private:
  struct Entry {
    TimePoint due;
    std::uint64_t turn;
    Timer* timer;
    bool before(const Entry& other) const noexcept { return due != other.due ? due < other.due : turn < other.turn; }
  };
  void put(std::size_t place, const Entry& entry) noexcept;
  void sift_up(std::size_t place) noexcept;
  void sift_down(std::size_t place) noexcept;

  std::vector<Entry> entries_;  // the first is unused, so that place 0 means "not armed"
  std::uint64_t turns_ = 0;
};

}  // namespace tailrace::detail
