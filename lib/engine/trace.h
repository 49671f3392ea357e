#pragma once
#include "engine/frame.h"

// For an observer that asks for stages a program holds *marks*: instructions between the stages that look at the clock
// and say how long the one before took. Without such an observer there are none, and nothing is spent.
namespace tailrace::detail {

// Stands among the states of a frame, of which new requests find nothing but zeros.
struct RequestTrace {
  std::uint64_t number;  // 0: not begun
  TimePoint began;
};

// A region's, in a slot.
struct RegionTrace {
  TimePoint began;          // of what it is doing now
  const Instruction* next;  // the one behind the latest mark
};

// Marks; `in` is the region's RegionTrace, and the instruction's name that of the stage that they tell of.
void mark_begin(const Instruction& i, char* frame) noexcept;      // a block begins
void mark_ran(const Instruction& i, char* frame) noexcept;        // the stage has its value
void mark_completed(const Instruction& i, char* frame) noexcept;  // the asynchronous stage has

// The request is admitted, unless that was told before. REQUIRES: its program is traced
void trace_begin(Frame& f) noexcept;
// Its block was stopped: tells of the call that came back to nobody.
void trace_stopped(Frame& f, const Block& b) noexcept;
// The region has its turn at the block's stage. The rows of a batch were called together; each of them is told of.
void trace_turn(Frame& f, const Block& b) noexcept;
void trace_batch(Frame& leader, const Block& b, std::uint32_t rows, std::uint32_t padded) noexcept;
void trace_row(Frame& f, const Block& b) noexcept;

// Tells the observer, with the time, of an event of this request. REQUIRES: there is an observer
void tell(Frame& f, Event event) noexcept;
// The same of a region's stage, which began when the region says.
void tell_stage(Frame& f, const Region& r, Event event) noexcept;
inline void observe(Frame& f, const Event& event) noexcept {
  if (f.engine->observer) [[unlikely]]
    tell(f, event);
}

}  // namespace tailrace::detail
