#pragma once
#include "engine/control_timer.h"

// The cut-off of a cascade, or of a staged that may be left early: from then on its best answer is good enough, so that
// the rest of the flow meets the deadline. See docs/design/0017-cut-off.md.
namespace tailrace::detail {

// What a control with a cut-off needs in the frame, from its start on. As a timer it hands what it holds on to the task
// that goes on behind it.
struct CutWatch : ControlTimer {
  struct GoesOn : Task {
    CutWatch* watch = nullptr;
  };
  TimePoint cut{};
  GoesOn goes_on;
};

// In ControlWords::b of such a control, beside timer_armed and what every cascade has there.
enum CutWord : std::uint32_t {
  cut_short = 1u << 30,    // it was left with its best answer, at its cut-off or later
  cut_closed = 1u << 29,   // somebody has left it or failed it: nobody else will
  cut_is_over = 1u << 28,  // the timer has fired
};

// Whether this request has a cut-off at this control.
inline bool has_cut_off(const Frame& f, const Control& c) noexcept {
  return c.reserve >= Duration{} && has_deadline(f);
}
Step start_with_cut_off(Frame& f, const Control& c, Thread thread) noexcept;
// True for exactly one who then leaves or fails the control. Disarms the timer.
bool close_cut_off(Frame& f, const Control& c) noexcept;
// Whether the cut-off has passed. REQUIRES: what is now the best answer has been noted.
bool is_past_cut_off(Frame& f, const Control& c) noexcept;

}  // namespace tailrace::detail
