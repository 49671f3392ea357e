#pragma once
#include "engine/drive.h"

// Asynchronous stages: a block ends in a *park*, and the flow goes on when the stage's Completion is used.
//
// Two come to the meeting: the thread that began the stage and has returned from it, and the one that uses the
// Completion. Whoever comes second goes on, with the one reference on the frame that both share.
namespace tailrace::detail {

// ControlWords::a of an asynchronous stage.
enum ParkState : std::uint32_t {
  begun = 1,      // there is a Completion
  returned = 2,   // the stage's call has returned
  completed = 4,  // the Completion was used, or is gone
  dropped = 8,    // it is gone unused
  left = 16,      // the region goes on, or has ended, without it
};

// FrameHead::begin of engine frames.
Pending begin_park(char* frame, std::uint32_t control) noexcept;
// The stage has been called, and its Completion is still to be used.
inline bool is_outstanding(Frame& f, const Control& c) noexcept {
  if (c.kind != Kind::then) return false;
  const auto state = f.words(c).a.load(std::memory_order_relaxed);
  return (state & begun) && !(state & completed);
}
// The call has returned, and nobody has stopped its region.
Step park(Frame& f, const Control& c) noexcept;
// The block has ended in a region that was stopped or has failed: nobody waits for the Completion, if there is one. The
// caller keeps its reference.
void leave_park(Frame& f, const Control& c) noexcept;

}  // namespace tailrace::detail
