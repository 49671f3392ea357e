#include "engine/control_timer.h"

#include <mutex>
#include <utility>

namespace tailrace::detail {
namespace {

// The first of a request's list. REQUIRES: its mutex is held.
ControlTimer*& first_in(Frame& root) noexcept { return root.at<ControlTimer*>(root.program->element_timers); }

void unlink(Frame& root, ControlTimer& t) noexcept {
  (t.other_previous ? t.other_previous->other_next : first_in(root)) = t.other_next;
  if (t.other_next) t.other_next->other_previous = t.other_previous;
}

bool is_element_of(const Frame& element, const Frame& f) noexcept {
  const Frame* above = element.parent;
  while (above && above != &f) above = above->parent;
  return above;
}

// Those that stood in stopped elements of the frame, linked by `other_next`; they fire no more.
ControlTimer* take_stopped(Frame& f) noexcept {
  Frame& root = root_of(f);
  ControlTimer* taken = nullptr;
  const std::lock_guard lock(root.program->timers_mutex);
  for (ControlTimer* t = first_in(root); t;) {
    ControlTimer& one = *std::exchange(t, t->other_next);
    // One that fires at this moment waits for the mutex, and finds that its element was stopped.
    if (!is_element_of(*one.frame, f) || !halted_outside(*one.frame) || !f.executor->cancel(one)) continue;
    unlink(root, one);
    one.other_next = std::exchange(taken, &one);
  }
  return taken;
}

void elements_leave_timers(Frame& f) noexcept {
  for (ControlTimer* t = take_stopped(f); t;) {
    Frame& element = *std::exchange(t, t->other_next)->frame;
    element.engine->resting.fetch_sub(1, std::memory_order_relaxed);
    let_go(element);
  }
}

}  // namespace

void note_armed(ControlTimer& t) noexcept {
  Frame& root = root_of(*t.frame);
  const std::lock_guard lock(root.program->timers_mutex);
  t.other_previous = nullptr;
  t.other_next = std::exchange(first_in(root), &t);
  if (t.other_next) t.other_next->other_previous = &t;
}

void note_over(ControlTimer& t) noexcept {
  Frame& root = root_of(*t.frame);
  const std::lock_guard lock(root.program->timers_mutex);
  unlink(root, t);
}

void leave_timers(Frame& f, std::uint32_t first, std::uint32_t last) noexcept {
  bool with_elements = false;
  for (const Control& c : f.program->controls) {
    if (c.around->first < first || c.around->first >= last) continue;
    if (c.element && c.element->timers) with_elements = true;
    if (has_timer(c) && f.words(c).b.load(std::memory_order_acquire) & timer_armed)
      disarm(f.at<ControlTimer>(c.gather));
  }
  if (with_elements) elements_leave_timers(f);
}

}  // namespace tailrace::detail
