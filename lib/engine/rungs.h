#pragma once
#include "engine/drive.h"

// How long the rungs of controls take that a deadline or a cut-off may end: see policy/exit.h.
namespace tailrace::detail {

inline bool learns_rungs(const Frame& f, const Control& c) noexcept { return !c.rungs.empty() && has_deadline(f); }
// Whether to begin a rung beside the answer that there is. REQUIRES: learns_rungs()
bool may_begin_rung(Frame& f, const Control& c, std::uint32_t arm) noexcept;
void begin_rung(Frame& f, const Control& c) noexcept;
// A rung has answered (`whole`), failed or ended because it was stopped.
void learn_rung(Frame& f, const Region& r, bool whole) noexcept;
inline void rung_ended(Frame& f, const Region& r, bool whole) noexcept {
  if (r.arm > 0 && learns_rungs(f, *r.control)) learn_rung(f, r, whole);
}

}  // namespace tailrace::detail
