#include "engine/cut_off.h"

#include <new>

#include "engine/cascade.h"

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

CutWatch& watch_of(Frame& f, const Control& c) noexcept { return f.at<CutWatch>(c.gather); }

bool close(Frame& f, const Control& c) noexcept {
  return !(f.words(c).b.fetch_or(cut_closed, std::memory_order_acq_rel) & cut_closed);
}

// The frame goes on behind the control, with the timer's reference.
void go_on_behind(Task& task) noexcept {
  const CutWatch& w = *static_cast<CutWatch::GoesOn&>(task).watch;
  Frame& f = *w.frame;
  const Control& c = *w.control;
  EngineState& engine = *f.engine;
  const auto best = f.words(c).a.load(std::memory_order_acquire);
  ++tasks_running;
  const Step next = leave_with(f, c, best - 1, cut_short);
  if (next.block) drive(next, Thread::worker);
  else release(f);
  --tasks_running;
  engine.outside.fetch_sub(1, std::memory_order_release);
}

// A rung that notes its answer looks at the word afterwards, and this at the answer after it wrote the word: one of the
// two sees the other.
void on_time(Timer& timer) noexcept {
  CutWatch& w = static_cast<CutWatch&>(timer);
  Frame& f = fired(w);
  const Control& c = *w.control;
  f.words(c).b.fetch_or(cut_is_over, std::memory_order_acq_rel);
  if (!f.words(c).a.load(relaxed) || is_stopped(f, c) || !close(f, c)) return let_go(f);
  const auto best = f.words(c).a.load(std::memory_order_acquire);
  for (const Region* rung : c.arms)
    if (rung->arm + 1 != best) halt_regions(f, rung->first, rung->last);
  w.goes_on.run = go_on_behind;
  w.goes_on.watch = &w;
  f.executor->spawn(w.goes_on);  // with the timer's reference and what keeps the engine for it
}

}  // namespace

Step start_with_cut_off(Frame& f, const Control& c, Thread thread) noexcept {
  CutWatch& w = *::new (f.base() + c.gather) CutWatch;
  w.fire = on_time;
  w.frame = &f;
  w.control = &c;
  w.cut = f.head.request.deadline - c.reserve;
  if (w.cut <= f.executor->now() || !take_spare(f)) return enter(f, *c.arms[0]);
  f.words(c).b.store(timer_armed, std::memory_order_release);
  arm(w, w.cut);
  if (is_stopped(f, c)) disarm(w);
  if (thread == Thread::worker) return enter(f, *c.arms[0]);
  spawn(enter(f, *c.arms[0]));  // a caller's thread that is in a rung could not go on
  return {nullptr, nullptr};
}

bool close_cut_off(Frame& f, const Control& c) noexcept {
  if (!close(f, c)) return false;
  if (f.words(c).b.load(relaxed) & timer_armed) disarm(watch_of(f, c));
  return true;
}

bool is_past_cut_off(Frame& f, const Control& c) noexcept {
  const bool told = f.words(c).b.fetch_or(0, std::memory_order_acq_rel) & cut_is_over;
  return told || f.executor->now() >= watch_of(f, c).cut;
}

}  // namespace tailrace::detail
