#pragma once
#include "engine/frame.h"

// Who gets in, and who waits for room.
namespace tailrace::detail {

// A caller who waits for room, on his own stack.
struct Waiter {
  Waiter* next = nullptr;
  Frame* frame = nullptr;     // what he waited for
  Code refused = Code::none;  // or why he does not get it
  Atomic<std::uint32_t> told{0};
};

// Callers who wait get what room there is, the first one first. REQUIRES: the engine's mutex is held.
void let_in(EngineState& e) noexcept;
// All of them are refused as `shutting_down`. REQUIRES: the engine's mutex is held.
void turn_away(EngineState& e) noexcept;

}  // namespace tailrace::detail
