#include "engine/park.h"

#include "engine/drive.h"
#include "engine/turn.h"

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

Frame& frame_of(const Pending& p) noexcept { return *static_cast<Frame*>(p.frame); }
const Control& control_of(const Pending& p) noexcept { return *static_cast<const Control*>(p.step); }

bool is_wanted(const Pending& p) noexcept { return !is_stopped(frame_of(p), control_of(p)); }
bool wanted(const Pending& p) noexcept {
  if (is_wanted(p)) return true;
  frame_of(p).engine->too_late.fetch_add(1, relaxed);
  return false;
}
void* slot(const Pending& p) noexcept { return frame_of(p).base() + control_of(p).out; }

// Also where a value came too late because the engine is being stopped: then that is the answer.
void fail_dropped(Frame& f, const Control& c) noexcept {
  if (left_outside(f)) return;
  fail_stage(f, *c.around, c.name.c_str(),
             Error(Code::stage_failed, "the stage gave up its Completion without using it"));
}

// The block that comes next. Where the stage has failed none runs, and a turn is not waited for.
const Block* next_of(Frame& f, const Control& c) noexcept {
  const bool skips = c.skip && f.region_state(*c.around).flag.halt.load(std::memory_order_acquire) == failed;
  return skips ? c.skip.get() : c.after;
}

// The Completion's side of the meeting.
void meet(const Pending& p, std::uint32_t how) noexcept {
  Frame& f = frame_of(p);
  const Control& c = control_of(p);
  EngineState& engine = *f.engine;
  const auto before = f.words(c).a.fetch_or(how, std::memory_order_acq_rel);
  if (before & returned) {
    if (!(before & left)) end_spending(f, Spent::awaited);
    if (c.station) end_turn(f, *c.around, *c.station);
    if (how & dropped && !(before & left)) fail_dropped(f, c);
    const auto halt = f.region_state(*c.around).flag.halt.load(std::memory_order_acquire);
    if (halt == stopped) region_stopped(f, *c.around);
    if (before & left || halt == stopped) release(f);
    else spawn({&f, next_of(f, c)});
  }
  engine.resting.fetch_sub(1, relaxed);
  engine.outside.fetch_sub(1, std::memory_order_release);
}

void finish(const Pending& p, const Error* error) noexcept {
  Frame& f = frame_of(p);
  const Control& c = control_of(p);
  if (error) fail_stage(f, *c.around, c.name.c_str(), *error);
  else f.set_live(c.live);
  meet(p, completed);
}

void drop(const Pending& p) noexcept { meet(p, completed | dropped); }

bool stop_requested(const Pending& p) noexcept { return !is_wanted(p); }
TimePoint deadline(const Pending& p) noexcept { return frame_of(p).head.request.deadline; }

// Elements of one `each` differ in their place, those of different ones in their path.
std::uint64_t element_of(const Frame& f) noexcept {
  std::uint64_t element = 0;
  for (const Frame* e = &f; e->parent; e = e->parent) element = (element << 20) + e->index + 1;
  return element;
}
// Which of a hedge's two calls this is, for all hedges around it; elements stand in their request's.
std::uint64_t copy_of(const Frame& frame, const Control& control) noexcept {
  std::uint64_t copy = 0, digit = 1;
  const Frame* f = &frame;
  for (const Control* c = &control; c; c = f->owner, f = f->parent) {
    for (const Region* r = c->around; r; r = r->control ? r->control->around : nullptr) {
      if (r->role != Role::call) continue;
      if (r->arm == 1) copy += digit;
      digit *= 2;
    }
    if (!f->parent) break;
  }
  return copy;
}
CallFacts about(const Pending& p) noexcept {
  Frame& f = frame_of(p);
  return {f.engine->executor.get(), control_of(p).name, request_id(f), element_of(f), copy_of(f, control_of(p))};
}

constexpr Pending::Ops ops{wanted, slot, finish, drop, stop_requested, deadline, about};

}  // namespace

Pending begin_park(char* frame, std::uint32_t control) noexcept {
  Frame& f = *reinterpret_cast<Frame*>(frame);
  const Control& c = f.program->controls[control];
  f.engine->outside.fetch_add(1, relaxed);
  f.engine->resting.fetch_add(1, relaxed);
  if (!f.shared) f.shared = true;  // others read it: written once
  f.words(c).a.store(begun, relaxed);
  return {&ops, &f, &c};
}

Step park(Frame& f, const Control& c) noexcept {
  if (c.station) call_ended();
  begin_spending(f, Spent::awaited);
  const auto before = f.words(c).a.fetch_or(returned, std::memory_order_acq_rel);
  if (!(before & completed)) return {nullptr, nullptr};  // the Completion has the reference now
  end_spending(f, Spent::awaited);
  if (c.station) end_turn(f, *c.around, *c.station);
  if (before & dropped) fail_dropped(f, c);
  return {&f, next_of(f, c)};
}

void leave_park(Frame& f, const Control& c) noexcept {
  ControlWords& words = f.words(c);
  bool outstanding = false;
  if (words.a.load(relaxed) & begun) {
    share(f, 1);
    outstanding = !(words.a.fetch_or(returned | left, std::memory_order_acq_rel) & completed);
    if (!outstanding) f.refs.fetch_sub(1, relaxed);
  }
  if (c.station && !outstanding) end_turn(f, *c.around, *c.station);
}

}  // namespace tailrace::detail
