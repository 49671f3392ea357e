#pragma once
#include "engine/frame.h"

// Overload::latest: a request takes the place of an older one of its stream.
namespace tailrace::detail {

// Answers the oldest request of the stream that says `latest`, and that no stage works for, as `superseded`. False:
// there is none.
bool supersede_oldest(EngineState& e, std::uint64_t stream) noexcept;

}  // namespace tailrace::detail
