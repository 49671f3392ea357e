#pragma once
#include <cstdint>

#include "tailrace/core/clock.h"

namespace tailrace {

// What one request asks of the engine beyond its answer. Where both are given the earlier deadline counts.
struct Request {
  Duration within{};           // answer within this time from now; zero: no limit
  TimePoint deadline = never;  // answer by then
  std::uint64_t stream = 0;    // which sequence of requests it belongs to, for stages that keep state
  int priority = 0;            // class: a larger one goes first
};

}  // namespace tailrace
