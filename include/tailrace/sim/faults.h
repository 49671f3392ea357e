#pragma once
#include <chrono>
#include <cstdint>

#include "tailrace/core/clock.h"
#include "tailrace/core/random.h"

namespace tailrace::sim {

// What goes wrong in a simulated stage (sim/service.h), each as a share of its calls; the rest go well. Which call has
// which fault is drawn as its time is, so that plans are compared on common faults.
struct Faults {
  double throws = 0;     // throws a std::runtime_error
  double no_memory = 0;  // throws std::bad_alloc
  double hangs = 0;      // does not answer before it is told to stop, or `hang` has passed; looks every millisecond
  double slow = 0;       // takes `slow_factor` times its time
  double stalls = 0;     // stands still for `stall` beside its time, and looks at nothing meanwhile
  double slow_factor = 10;
  Duration hang = std::chrono::minutes(1);
  Duration stall = std::chrono::milliseconds(500);

  enum class Kind : std::uint8_t { none, throws, no_memory, hangs, slow, stalls };
  Kind draw(Random& random) const noexcept;
  bool any() const noexcept { return throws + no_memory + hangs + slow + stalls > 0; }
};

// The time that a call with such a fault takes, where without it it would take `time`.
Duration with_fault(const Faults& faults, Faults::Kind fault, Duration time) noexcept;
// Throws what such a fault throws, if anything.
void throw_fault(Faults::Kind fault);

}  // namespace tailrace::sim
