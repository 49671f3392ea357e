#pragma once
#include "engine/drive.h"
#include "engine/station.h"

// A block that stands behind a station runs in its turn: before it a slot of the station is taken, and afterwards given
// on to whoever waits.
namespace tailrace::detail {

// Whether the step's block may run now: it has a turn, or its region has failed and the block will see that. If not,
// the step belongs to the station's queue. A batch stage has then been called, for all rows of its batch.
bool begin_turn(Step s) noexcept;
// The stage's call has returned on this thread.
void call_ended() noexcept;
// Gives on the slot that a region has, if it has one.
void end_turn(Frame& f, const Region& r, Station& station) noexcept;
// The same for a step that will not run, and which somebody else had given its turn.
void abandon_turn(Step s) noexcept;
// Takes stopped regions, and elements that stand in them, out of the queues that they wait in. REQUIRES: the caller has
// a reference on the frame.
void leave_queues(Frame& f, std::uint32_t first, std::uint32_t last) noexcept;

}  // namespace tailrace::detail
