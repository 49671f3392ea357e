#pragma once
#include "engine/frame.h"

// The programs of an engine, from the first plan to the end.
namespace tailrace::detail {

// A frame's request is over although somebody still holds it: makes room for another one.
void hold(Frame& f) noexcept;

}  // namespace tailrace::detail
