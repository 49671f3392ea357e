#include "engine/rungs.h"

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

TimePoint& began_of(Frame& f, const Control& c) noexcept { return f.at<TimePoint>(c.rung_began); }

}  // namespace

void begin_rung(Frame& f, const Control& c) noexcept { began_of(f, c) = f.executor->now(); }

bool may_begin_rung(Frame& f, const Control& c, std::uint32_t arm) noexcept {
  begin_rung(f, c);
  const Duration left = f.head.request.deadline - std::max(c.reserve, Duration{}) - began_of(f, c);
  policy::RungTime known = c.rungs[arm].load(relaxed);
  for (;;) {
    policy::RungTime next = known;
    const bool begins = policy::begins(next, left);
    if (next == known || c.rungs[arm].compare_exchange_weak(known, next, relaxed, relaxed)) return begins;
  }
}

void learn_rung(Frame& f, const Region& r, bool whole) noexcept {
  const Control& c = *r.control;
  const Duration took = f.executor->now() - began_of(f, c);
  policy::RungTime known = c.rungs[r.arm].load(relaxed);
  while (!c.rungs[r.arm].compare_exchange_weak(known, policy::observe(known, took, whole), relaxed, relaxed)) {
  }
}

}  // namespace tailrace::detail
