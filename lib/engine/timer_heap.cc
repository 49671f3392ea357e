#include "tailrace/engine/timer_heap.h"

namespace tailrace::detail {

bool TimerHeap::arm(TimePoint due, Timer& timer) noexcept {
  timer.due = due;
  timer.place = 0;
  try {
    entries_.push_back({due, ++turns_, &timer});
  } catch (...) {
    return false;
  }
  sift_up(entries_.size() - 1);
  return true;
}

bool TimerHeap::disarm(Timer& timer) noexcept {
  const std::size_t place = timer.place;
  if (place == 0) return false;
  timer.place = 0;
  const Entry last = entries_.back();
  entries_.pop_back();
  if (last.timer == &timer) return true;
  put(place, last);
  sift_up(place);
  sift_down(last.timer->place);
  return true;
}

Timer* TimerHeap::take_due(TimePoint now) noexcept {
  if (empty() || now < next()) return nullptr;
  Timer* const timer = entries_[1].timer;
  disarm(*timer);
  return timer;
}

void TimerHeap::put(std::size_t place, const Entry& entry) noexcept {
  entries_[place] = entry;
  entry.timer->place = static_cast<std::uint32_t>(place);
}

void TimerHeap::sift_up(std::size_t place) noexcept {
  const Entry entry = entries_[place];
  for (; place > 1 && entry.before(entries_[place / 2]); place /= 2) put(place, entries_[place / 2]);
  put(place, entry);
}

void TimerHeap::sift_down(std::size_t place) noexcept {
  const Entry entry = entries_[place];
  for (;;) {
    std::size_t child = 2 * place;
    if (child >= entries_.size()) break;
    if (child + 1 < entries_.size() && entries_[child + 1].before(entries_[child])) ++child;
    if (!entries_[child].before(entry)) break;
    put(place, entries_[child]);
    place = child;
  }
  put(place, entry);
}

}  // namespace tailrace::detail
