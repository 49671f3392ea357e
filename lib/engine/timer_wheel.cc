#include "tailrace/engine/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace tailrace::detail {

unsigned TimerWheel::place_of(Time due) const noexcept {
  const unsigned level = (63u - static_cast<unsigned>(std::countl_zero((due ^ base_) | 1))) / bits;
  return level * slots + (static_cast<unsigned>(due >> (level * bits)) & (slots - 1));
}

unsigned TimerWheel::first_place() const noexcept {
  const auto level = static_cast<unsigned>(std::countr_zero(levels_used_));
  return level * slots + static_cast<unsigned>(std::countr_zero(slots_used_[level]));
}

TimerWheel::Time TimerWheel::start_of(unsigned place) const noexcept {
  const unsigned level = place / slots, above = (level + 1) * bits;
  const Time shared = above < 64 ? base_ >> above << above : 0;
  return shared | Time{place % slots} << (level * bits);
}

Timer* TimerWheel::earliest_in(unsigned place) const noexcept {
  Timer* const first = first_[place];
  Timer* earliest = first;
  unsigned seen = 1;
  if (place >= slots)  // those of the lowest level are all due at one time
    for (Timer* t = first->next; t != first; t = t->next) {
      if (++seen > looked_over) return nullptr;
      if (t->due < earliest->due) earliest = t;
    }
  return earliest_ = earliest;
}

void TimerWheel::put(Timer& timer, unsigned place) noexcept {
  timer.place = place + 1;
  Timer*& first = first_[place];
  if (!first) {
    timer.next = timer.previous = first = &timer;
    slots_used_[place / slots] |= Time{1} << (place % slots);
    levels_used_ |= 1u << (place / slots);
    return;
  }
  timer.next = first;
  timer.previous = first->previous;
  first->previous->next = &timer;
  first->previous = &timer;
}

void TimerWheel::unlink(Timer& timer) noexcept {
  const unsigned place = timer.place - 1;
  timer.place = 0;
  if (&timer == earliest_) earliest_ = nullptr;
  if (timer.next != &timer) {
    timer.next->previous = timer.previous;
    timer.previous->next = timer.next;
    if (first_[place] == &timer) first_[place] = timer.next;
    return;
  }
  first_[place] = nullptr;
  Time& used = slots_used_[place / slots];
  used &= ~(Time{1} << (place % slots));
  if (!used) levels_used_ &= ~(1u << (place / slots));
}

// Time has come to a slot of a higher level: its timers belong to lower ones.
void TimerWheel::spread(unsigned place) noexcept {
  base_ = start_of(place);
  Timer* const first = first_[place];
  first->previous->next = nullptr;
  first_[place] = nullptr;
  Time& used = slots_used_[place / slots];
  used &= used - 1;  // it is the first one
  if (!used) levels_used_ &= levels_used_ - 1;
  for (Timer* t = first; t;) {
    Timer* const next = t->next;
    put(*t, place_of(time_of(t->due)));
    t = next;
  }
}

void TimerWheel::arm(TimePoint due, Timer& timer) noexcept {
  timer.due = std::max(due, point_of(looked_));
  if (empty() || (earliest_ && timer.due < earliest_->due)) earliest_ = &timer;
  put(timer, place_of(time_of(timer.due)));
}

bool TimerWheel::disarm(Timer& timer) noexcept {
  if (timer.place == 0) return false;
  unlink(timer);
  return true;
}

TimePoint TimerWheel::next() const noexcept {
  if (empty()) return never;
  if (earliest_) return earliest_->due;
  const unsigned place = first_place();
  if (const Timer* const earliest = earliest_in(place)) return earliest->due;
  return point_of(start_of(place));
}

Timer* TimerWheel::find_due(Time now) noexcept {
  looked_ = std::max(looked_, now);
  if (earliest_) return time_of(earliest_->due) <= now ? earliest_ : nullptr;
  while (!empty()) {
    const unsigned place = first_place();
    if (now < start_of(place)) break;
    if (Timer* const earliest = earliest_in(place)) return time_of(earliest->due) <= now ? earliest : nullptr;
    spread(place);
  }
  base_ = std::max(base_, now);  // no slot with timers begins before it, and so none of them changes
  return nullptr;
}

Timer* TimerWheel::take_due(TimePoint now) noexcept {
  Timer* const timer = find_due(time_of(now));
  if (timer) unlink(*timer);
  return timer;
}

}  // namespace tailrace::detail
