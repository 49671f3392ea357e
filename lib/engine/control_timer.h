#pragma once
#include "engine/drive.h"

// A timer of a control's: a hedge's delay, a cascade's cut-off. It stands in the slot Control::gather; while it is
// armed it holds a reference on the frame and keeps the engine, as a task does.
namespace tailrace::detail {

struct ControlTimer : Timer {
  Frame* frame = nullptr;
  const Control* control = nullptr;
  ControlTimer *other_next, *other_previous;  // of an element's that is armed: see note_armed
};

// In ControlWords::b of a control with a timer: it may be armed. Set before it is.
inline constexpr std::uint32_t timer_armed = 1u << 27;

inline bool has_timer(const Control& c) noexcept { return c.hedge || c.reserve >= Duration{}; }

// While an element's timer is armed it stands in a list in its request's frame (Compiled::element_timers), so that who
// stops the request, or what is around the `each`, finds it.
void note_armed(ControlTimer& t) noexcept;
void note_over(ControlTimer& t) noexcept;

// With a reference of its own. Who stops the region looks at the timer afterwards, so whoever arms it must look at the
// region then: one of the two sees the other. REQUIRES: the caller has a reference, too.
inline void arm(ControlTimer& t, TimePoint due) noexcept {
  Frame& f = *t.frame;
  share(f, 1);
  f.engine->outside.fetch_add(1, std::memory_order_relaxed);
  f.engine->resting.fetch_add(1, std::memory_order_relaxed);
  if (f.parent) [[unlikely]]
    note_armed(t);
  f.executor->wake_at(due, t);
}
// The timer is about to do its work, with what it held.
inline Frame& fired(ControlTimer& t) noexcept {
  Frame& f = *t.frame;
  f.engine->resting.fetch_sub(1, std::memory_order_relaxed);
  if (f.parent) [[unlikely]]
    note_over(t);
  return f;
}
// Gives up what a timer held.
inline void let_go(Frame& f) noexcept {
  EngineState& engine = *f.engine;
  release(f);
  engine.outside.fetch_sub(1, std::memory_order_release);
}
// Does nothing where it is not armed any more. REQUIRES: timer_armed was seen, and the caller has a reference.
inline void disarm(ControlTimer& t) noexcept {
  if (t.frame->executor->cancel(t)) let_go(fired(t));
}

// Disarms the timers of controls that stand in stopped regions, or in elements that do. REQUIRES: the caller has a
// reference on the frame.
void leave_timers(Frame& f, std::uint32_t first, std::uint32_t last) noexcept;

}  // namespace tailrace::detail
