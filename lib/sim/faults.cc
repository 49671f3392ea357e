#include "tailrace/sim/faults.h"

#include <cmath>
#include <new>
#include <stdexcept>

namespace tailrace::sim {

Faults::Kind Faults::draw(Random& random) const noexcept {
  double left = random.uniform();
  const auto is = [&left](double share) { return (left -= share) < 0; };
  if (is(throws)) return Kind::throws;
  if (is(no_memory)) return Kind::no_memory;
  if (is(hangs)) return Kind::hangs;
  if (is(slow)) return Kind::slow;
  if (is(stalls)) return Kind::stalls;
  return Kind::none;
}

Duration with_fault(const Faults& faults, Faults::Kind fault, Duration time) noexcept {
  switch (fault) {
    case Faults::Kind::none:
    case Faults::Kind::throws:
    case Faults::Kind::no_memory: break;
    case Faults::Kind::hangs: return faults.hang;
    case Faults::Kind::slow: return Duration(std::llround(static_cast<double>(time.count()) * faults.slow_factor));
    case Faults::Kind::stalls: return time + faults.stall;
  }
  return time;
}

void throw_fault(Faults::Kind fault) {
  if (fault == Faults::Kind::throws) throw std::runtime_error("a fault of the simulation");
  if (fault == Faults::Kind::no_memory) throw std::bad_alloc();
}

}  // namespace tailrace::sim
