#include "engine/drive.h"
#include "engine/trace.h"

// The stages of a network with early exits: one after another in the request's own thread of control, each in a region
// of its own, whose input is the carry of the one before it.
//
// ControlWords: a = stage that answered + 1.
namespace tailrace::detail {
namespace {

// The stage has answered: the answer stands in the control's slot.
Step leave_staged(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  f.words(c).a.store(r.arm + 1, std::memory_order_relaxed);
  observe(f, {Event::Kind::rung_left, Code::none, r.arm, c.name, {}});
  return {&f, c.after};
}

}  // namespace

Step stage_done(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  const Carry& carry = c.carries[r.arm];
  if (!carry.ops) return go_on(f, c, r.answer), leave_staged(f, r);
  char* const whole = f.base() + r.answer;
  try {  // a move of the user's may throw
    switch (carry.ops->way(whole)) {
      case ExitOps::leaves:
        carry.ops->take_answer(f.base() + c.out, whole);
        f.set_live(c.live);
        return leave_staged(f, r);
      case ExitOps::goes_on:
        carry.ops->take_carry(f.base() + carry.slot, whole);
        f.set_live(carry.live);
        return enter(f, *c.arms[r.arm + 1]);
      case ExitOps::empty: break;
    }
  } catch (...) {
    const Error error = thrown();
    return fail_control(f, c, error.code(), c.name.c_str(), error.what());
  }
  return fail_control(f, c, Code::stage_failed, c.name.c_str(), "a stage gave an Exit that neither leaves nor goes on");
}

}  // namespace tailrace::detail
