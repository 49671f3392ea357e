#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/program.h"

// Where everything stands in a frame.
namespace tailrace::detail {

// While a program is compiled, slots are counted from 0 and regions, controls and live bytes are numbers.
struct Draft {
  std::uint32_t slots = 0;            // bytes
  std::uint32_t live_bytes = 0;       // numbered from 1; 0: none
  bool element_timers = false;        // some element has one
  std::vector<std::uint32_t> starts;  // by block: its first instruction
  std::vector<double> seconds;        // by block: what it is expected to take; below 0: unknown
  std::vector<std::pair<std::uint32_t, std::uint32_t>> parks;  // asynchronous instructions and their controls
};

inline std::uint32_t round_up(std::uint32_t n, std::uint32_t to) { return (n + to - 1) / to * to; }
inline std::uint32_t narrow(std::size_t n) { return static_cast<std::uint32_t>(n); }

// Turns all of the draft's numbers in the program into offsets in its frames. `traced`: with marks; `top`: these are
// the frames of requests, not of elements.
void lay_out(Program& p, const Draft& draft, bool traced, bool top);

}  // namespace tailrace::detail
