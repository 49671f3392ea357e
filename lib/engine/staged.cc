#include "engine/cascade.h"
#include "engine/rungs.h"
#include "engine/trace.h"

// The stages of a network with early exits: one after another in the request's own thread of control, each in a region
// of its own, whose input is the carry of the one before it. Where a deadline may end them early (Control::rungs), each
// stage has a slot for its answer, and from there on they are left as a cascade's rungs are.
//
// ControlWords: b = stage that answered + 1; of one that may be left early: as a cascade's.
namespace tailrace::detail {
namespace {

// The stage has answered: the answer stands in the control's slot.
Step leave_staged(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  f.words(c).b.store(r.arm + 1, std::memory_order_relaxed);
  observe(f, {Event::Kind::rung_left, Code::none, r.arm, c.name, {}});
  return {&f, c.after};
}
bool may_be_left_early(const Control& c) noexcept { return !c.rungs.empty(); }

Step fail_stage_of(Frame& f, const Region& r, Code code, std::string_view text) noexcept {
  const Control& c = *r.control;
  if (!set_failed(f, r, code, c.name.c_str(), text)) return nothing(f);
  return rung_is_out(f, r);
}

// The answer that the stage would have left with. One whose move throws is none.
bool take_best(Frame& f, const Carry& carry, char* whole) noexcept {
  if (!carry.ops->has_answer || !carry.ops->has_answer(whole)) return false;
  try {
    carry.ops->take_answer(f.base() + carry.answer, whole);
  } catch (...) {
    return false;
  }
  f.set_live(carry.answer_live);
  return true;
}

// What a stage but the last gives. Moves of the user's may throw.
Step take_apart(Frame& f, const Region& r) {
  const Control& c = *r.control;
  const Carry& carry = c.carries[r.arm];
  char* const whole = f.base() + r.answer;
  switch (carry.ops->way(whole)) {
    case ExitOps::leaves:
      carry.ops->take_answer(f.base() + carry.answer, whole);
      f.set_live(carry.answer_live);
      return may_be_left_early(c) ? rung_answered(f, r) : leave_staged(f, r);
    case ExitOps::goes_on: {
      const bool best = learns_rungs(f, c) && take_best(f, carry, whole);
      carry.ops->take_carry(f.base() + carry.slot, whole);
      f.set_live(carry.live);
      return may_be_left_early(c) ? rung_goes_on(f, r, best) : enter(f, *c.arms[r.arm + 1]);
    }
    case ExitOps::empty: break;
  }
  return fail_stage_of(f, r, Code::stage_failed, "a stage gave an Exit that neither leaves nor goes on");
}

}  // namespace

Step stage_done(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  rung_ended(f, r, true);
  if (c.carries[r.arm].ops) {
    try {
      return take_apart(f, r);
    } catch (...) {
      const Error error = thrown();
      return fail_stage_of(f, r, error.code(), error.what());
    }
  }
  if (may_be_left_early(c)) return rung_answered(f, r);
  return go_on(f, c, r.answer), leave_staged(f, r);
}

}  // namespace tailrace::detail
