#pragma once
#include "tailrace/core/clock.h"

namespace tailrace {

// What one request asks of the engine beyond its answer. Where both are given the earlier deadline counts.
struct Request {
  Duration within{};           // answer within this time from now; zero: no limit
  TimePoint deadline = never;  // answer by then
};

}  // namespace tailrace
