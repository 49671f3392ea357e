#pragma once
#include "engine/drive.h"

// Cascades, and stageds that may be left early: parts run in order, some with an answer that serves where there is no
// time for a better one. "Rung" means a stage of such a staged, too. See docs/design/0017-cut-off.md and 0025.
namespace tailrace::detail {

Step rung_done(Frame& f, const Region& r) noexcept;
// Also of a stage of any staged.
Step rung_failed(Frame& f, const Region& r) noexcept;
Step rung_is_out(Frame& f, const Region& r) noexcept;  // the same, once its end has been noted
Step stage_done(Frame& f, const Region& r) noexcept;

// The rung's answer is the control's: it may be left.
Step rung_answered(Frame& f, const Region& r) noexcept;
// The rung behind it is next, unless an answer that there is must do. `has_answer`: this one's answer is the best now.
Step rung_goes_on(Frame& f, const Region& r, bool has_answer) noexcept;
// Leaves with a rung's answer. `why` is zero, fallback_bit or cut_short. REQUIRES: nobody else has
Step leave_with(Frame& f, const Control& c, std::uint32_t rung, std::uint32_t why) noexcept;

// The slot of a rung's answer, or of a stage's of a staged that may be left early.
inline std::uint32_t answer_of(const Control& c, std::uint32_t rung) noexcept {
  return c.kind == Kind::staged ? c.carries[rung].answer : c.arms[rung]->answer;
}

}  // namespace tailrace::detail
