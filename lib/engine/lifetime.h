#pragma once
#include "engine/frame.h"

// The programs of an engine, from the first plan to the end.
namespace tailrace::detail {

// A frame's request is over although somebody still holds it: makes room for another one.
void hold(Frame& f) noexcept;

// The program that new requests go to, whose frames stay where they are until it is let go of; null: there is none.
Program* keep_latest(EngineState& e) noexcept;
void let_go_of(EngineState& e, Program& p) noexcept;
// A reference on a frame's request, if it was submitted and is still under way.
bool find_submitted(Frame& f) noexcept;

}  // namespace tailrace::detail
