#include "engine/cascade.h"

#include "engine/cut_off.h"
#include "engine/rungs.h"
#include "engine/shed.h"
#include "engine/trace.h"

// Rungs of a cascade, and what stages of a staged share with them.
//
// ControlWords: a = best rung so far + 1; b = rung that answered + 1, fallback_bit, CutWord.
namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// Whether a test of the user's holds. One that throws does not.
bool holds(const Test& test, void* slot) noexcept {
  try {
    return test.run(test.context.get(), slot);
  } catch (...) {
    return false;
  }
}

// Where there is a cut-off, only the first one to leave or fail the control does so.
bool may_end(Frame& f, const Control& c) noexcept { return !has_cut_off(f, c) || close_cut_off(f, c); }

Step end_with(Frame& f, const Control& c, std::uint32_t rung, std::uint32_t why) noexcept {
  return may_end(f, c) ? leave_with(f, c, rung, why) : nothing(f);
}

// The answer that is good enough now, because the cut-off has passed: its rung + 1, or 0.
std::uint32_t cut_answer(Frame& f, const Control& c) noexcept {
  const auto best = has_cut_off(f, c) ? f.words(c).a.load(relaxed) : 0;
  return best && is_past_cut_off(f, c) ? best : 0;
}

// The rung behind this one; where that would come too late, the best answer at once.
Step next_rung(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  if (learns_rungs(f, c)) {
    const auto best = f.words(c).a.load(relaxed);
    if (!best) begin_rung(f, c);
    else if (!may_begin_rung(f, c, r.arm + 1)) return end_with(f, c, best - 1, cut_short);
  }
  return enter(f, *c.arms[r.arm + 1]);
}

// From here on there is an answer that serves at the deadline, or at the cut-off.
[[gnu::noinline]] void note_good_enough(Frame& f, const Control& c) noexcept {
  if (!c.around->needed || !(c.answers_request || has_cut_off(f, c))) return;
  tell_sites(f, AdmitSample::Kind::answer, std::max(c.reserve, Duration{}));
}

}  // namespace

Step rung_answered(Frame& f, const Region& r) noexcept { return end_with(f, *r.control, r.arm, 0); }

Step rung_goes_on(Frame& f, const Region& r, bool has_answer) noexcept {
  const Control& c = *r.control;
  if (has_answer) {
    f.words(c).a.store(r.arm + 1, std::memory_order_release);
    if (f.noted) note_good_enough(f, c);
  }
  if (const auto cut = cut_answer(f, c)) return end_with(f, c, cut - 1, cut_short);
  return next_rung(f, r);
}

Step rung_done(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  rung_ended(f, r, true);
  const bool last = r.arm + 1 == c.arms.size();
  if (last || holds(c.exits[r.arm], f.base() + r.answer)) return rung_answered(f, r);
  return rung_goes_on(f, r, true);  // only now: its test no longer reads it
}

Step rung_failed(Frame& f, const Region& r) noexcept {
  rung_ended(f, r, false);
  return rung_is_out(f, r);
}

Step rung_is_out(Frame& f, const Region& r) noexcept {
  const Control& c = *r.control;
  if (const auto cut = cut_answer(f, c)) return end_with(f, c, cut - 1, cut_short);
  const bool is_rung = c.kind == Kind::cascade;  // a stage's failure is its staged's
  if (is_rung && r.arm + 1 < c.arms.size()) return next_rung(f, r);
  const auto best = is_rung && c.fallback ? f.words(c).a.load(relaxed) : 0;
  if (best) return end_with(f, c, best - 1, fallback_bit);
  const RegionState& s = f.region_state(r);
  return may_end(f, c) ? fail_control(f, c, s.code, s.where, text_of(f, r)) : nothing(f);
}

Step leave_with(Frame& f, const Control& c, std::uint32_t rung, std::uint32_t why) noexcept {
  // A deadline may be answering with an earlier rung's answer at this moment: claim before touching anything.
  if (c.answers_request && !claim(f)) return nothing(f);
  auto& word = f.words(c).b;
  word.store(word.load(relaxed) | (rung + 1) | why, relaxed);
  observe(f, {Event::Kind::rung_left, Code::none, rung, c.name, {}});
  const std::uint32_t answer = answer_of(c, rung);
  if (!c.answers_request) return go_on(f, c, answer);
  f.answer = answer;
  complete(f);
  return nothing(f);
}

}  // namespace tailrace::detail
