#pragma once
#include "engine/control_timer.h"
#include "engine/hedge_site.h"

// A hedge: one call, and a second one beside it when the policy says so. See docs/design/0015-hedging.md.
namespace tailrace::detail {

// What a hedge needs in the frame, from its start on. As a timer it is armed while the policy wants to be asked again.
struct HedgeWatch : ControlTimer {
  TimePoint began{}, copied{};    // when the call and its copy were started
  Atomic<Duration::rep> turn{0};  // when the call had its turn, after it had waited for it; 0: it did not
  Atomic<Duration::rep> told{0};  // when the second to answer was told to stop; 0: nobody was
};

// ControlWords::b of a hedge, beside timer_armed.
enum HedgeWord : std::uint32_t {
  call_out = 1,  // the call has failed
  copy_out = 2,  // its copy has
  copied = 4,    // there is a copy
  closed = 8,    // no copy is started any more
};

Step start_hedge(Frame& f, const Control& c, Thread thread) noexcept;
// A region of a hedge has been given the turn that it waited for.
void call_has_turn(Frame& f, const Region& r) noexcept;
// A call of a hedge has answered, or failed.
Step call_done(Frame& f, const Region& r) noexcept;
Step call_failed(Frame& f, const Region& r) noexcept;
// A call has ended because it was told to stop.
void call_stopped(Frame& f, const Region& r) noexcept;

}  // namespace tailrace::detail
