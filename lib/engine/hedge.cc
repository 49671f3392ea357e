#include "engine/hedge.h"

#include <new>

#include "engine/station.h"
#include "engine/trace.h"

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
using Asked = HedgeAction::Kind;

HedgeWatch& watch_of(Frame& f, const Control& c) noexcept { return f.at<HedgeWatch>(c.gather); }

void observe(Frame& f, const Control& c, Event::Kind kind) noexcept {
  detail::observe(f, {kind, Code::none, 0, c.name, {}});
}

// ---- what the policy is told

// Tasks that run or are ready, of all engines' requests on these threads.
std::uint32_t busy_workers(const EngineState& e) noexcept {
  const auto outside = e.outside.load(relaxed), resting = e.resting.load(relaxed);
  return outside > resting ? outside - resting : 0;
}

// Whether the call waits for its turn.
bool waits(Frame& f, const Control& c) noexcept {
  const Region& call = *c.arms[0];
  return c.station && call.turn && f.at<Turn>(call.turn).queue.load(relaxed);
}
// How long the call has waited for its turn, of its age.
Duration waited(Frame& f, const Control& c, Duration age) noexcept {
  if (waits(f, c)) return age;
  const HedgeWatch& w = watch_of(f, c);
  const auto turn = w.turn.load(relaxed);
  return turn ? TimePoint(Duration(turn)) - w.began : Duration{};
}

// Where the copy would work: its station or the threads, whichever has less left.
HedgeSnapshot look(Frame& f, const Control& c, Duration age, bool is_mine = false) noexcept {
  HedgeSnapshot seen;
  seen.age = age;
  seen.places = f.executor->concurrency();
  seen.busy = busy_workers(*f.engine);
  if (is_mine && seen.busy > 0) --seen.busy;  // the thread that is about to make the call
  if (!c.station) return seen;
  const std::uint32_t calls = c.station->spec().limit, taken = c.station->taken();
  if (std::uint64_t{taken} * seen.places >= std::uint64_t{seen.busy} * calls) {
    seen.places = calls;
    seen.busy = taken;
  }
  seen.waiting = waits(f, c);
  if (age > Duration{}) seen.waited = waited(f, c, age);
  return seen;
}

// ---- the copy

// Starts it with a reference that the caller gives up. False: there is no budget, or the hedge is over; the caller
// keeps the reference.
bool start_copy(Frame& f, const Control& c, TimePoint now) noexcept {
  if (!c.hedge->take()) return observe(f, c, Event::Kind::hedge_refused), false;
  watch_of(f, c).copied = now;
  auto& word = f.words(c).b;
  auto seen = word.load(relaxed);
  do {
    if (seen & closed) return c.hedge->give_back(), false;
  } while (!word.compare_exchange_weak(seen, seen | copied, std::memory_order_acq_rel));
  observe(f, c, Event::Kind::hedge_fired);
  spawn(enter(f, *c.arms[1]));
  return true;
}

// ---- the timer

// Who closes the hedge looks at the timer afterwards, as who stops the region does.
void arm_and_look(Frame& f, const Control& c, TimePoint due) noexcept {
  arm(watch_of(f, c), due);
  if (f.words(c).b.load(std::memory_order_acquire) & closed || is_stopped(f, c)) disarm(watch_of(f, c));
}

void on_time(Timer& timer) noexcept {
  HedgeWatch& w = static_cast<HedgeWatch&>(timer);
  Frame& f = fired(w);
  const Control& c = *w.control;
  if (f.words(c).b.load(std::memory_order_acquire) & closed || is_stopped(f, c)) return let_go(f);
  const TimePoint now = f.executor->now();
  const HedgeAction action = c.hedge->decide(look(f, c, std::max(now - w.began, Duration{1})), now);
  if (action.kind == Asked::wait) {
    arm_and_look(f, c, w.began + action.age);
    return let_go(f);
  }
  EngineState& engine = *f.engine;
  if (action.kind != Asked::start || !start_copy(f, c, now)) release(f);
  engine.outside.fetch_sub(1, std::memory_order_release);
}

void watch(Frame& f, const Control& c, TimePoint began) noexcept {
  HedgeWatch& w = *::new (f.base() + c.gather) HedgeWatch;
  w.fire = on_time;
  w.frame = &f;
  w.control = &c;
  w.began = began;
}

// What is to happen beside the call, as it begins. False: nothing.
bool prepare(Frame& f, const Control& c, Thread thread) noexcept {
  const TimePoint now = f.executor->now();
  watch(f, c, now);
  c.hedge->begin();
  const HedgeAction action = c.hedge->decide(look(f, c, {}, thread == Thread::worker), now);
  if (action.kind == Asked::leave) return false;
  if (!take_spare(f)) return false;
  if (action.kind == Asked::start) {
    share(f, 1);
    if (start_copy(f, c, now)) return true;
    f.refs.fetch_sub(1, relaxed);
    return false;
  }
  f.words(c).b.store(timer_armed, std::memory_order_release);
  arm_and_look(f, c, now + action.age);
  return true;
}

// Tells the policy of the first answer, and the second call that it is not needed.
void settle(Frame& f, const Region& r, bool has_copy) noexcept {
  const Control& c = *r.control;
  if (!has_copy && !c.hedge->learns()) return;
  HedgeWatch& w = watch_of(f, c);
  const TimePoint now = f.executor->now();
  const Duration age = now - w.began;
  if (r.arm == 0) c.hedge->observe({HedgeSample::Kind::call, age, {}, has_copy, waited(f, c, age)});
  else c.hedge->observe({HedgeSample::Kind::copy, now - w.copied, age, true, waited(f, c, age)});
  if (!has_copy) return;
  if (r.arm == 1) c.hedge->count_won();
  w.told.store(now.time_since_epoch().count(), relaxed);
  const Region& other = *c.arms[1 - r.arm];
  halt_regions(f, other.first, other.last);
  observe(f, c, r.arm == 0 ? Event::Kind::hedge_wasted : Event::Kind::hedge_won);
}

}  // namespace

Step start_hedge(Frame& f, const Control& c, Thread thread) noexcept {
  // A caller's thread that is in the call could not take its copy's answer.
  const bool beside = c.hedge && prepare(f, c, thread);
  if (!beside || thread == Thread::worker) return enter(f, *c.arms[0]);
  spawn(enter(f, *c.arms[0]));
  return {nullptr, nullptr};
}

void call_has_turn(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  if (r.arm != 0 || !c.hedge || !c.hedge->learns()) return;
  watch_of(f, c).turn.store(f.executor->now().time_since_epoch().count(), relaxed);
}

Step call_done(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  ControlWords& words = f.words(c);
  if (!c.hedge) return words.a.store(1, relaxed), go_on(f, c, r.answer);
  const auto before = words.b.fetch_or(closed, std::memory_order_acq_rel);
  if (before & copied) {
    std::uint32_t nobody = 0;
    if (!words.a.compare_exchange_strong(nobody, r.arm + 1, std::memory_order_acq_rel))
      return call_stopped(f, r), nothing(f);
  } else {
    words.a.store(1, relaxed);  // alone, for good
    if (before & timer_armed) disarm(watch_of(f, c));
  }
  settle(f, r, before & copied);
  return go_on(f, c, r.answer);
}

Step call_failed(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  const auto before =
      f.words(c).b.fetch_or(r.arm == 0 ? call_out | closed : std::uint32_t{copy_out}, std::memory_order_acq_rel);
  if (r.arm == 0 && before & copied && !(before & copy_out)) return nothing(f);  // the copy may answer still
  if (r.arm == 1 && !(before & call_out)) return nothing(f);
  if (before & timer_armed && !(before & copied)) disarm(watch_of(f, c));
  const RegionState& call = f.region_state(*c.arms[0]);
  return fail_control(f, c, call.code, call.where, text_of(f, *c.arms[0]));
}

void call_stopped(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  if (!c.hedge || !c.hedge->learns()) return;
  const auto told = watch_of(f, c).told.load(relaxed);
  if (told == 0) return;
  const TimePoint since{Duration(told)};
  c.hedge->observe({HedgeSample::Kind::stopped, f.executor->now() - since, {}, false});
}

}  // namespace tailrace::detail
