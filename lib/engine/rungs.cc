#include "engine/rungs.h"

#include "engine/learn.h"

namespace tailrace::detail {
namespace {

TimePoint& began_of(Frame& f, const Control& c) noexcept { return f.at<TimePoint>(c.rung_began); }

}  // namespace

void begin_rung(Frame& f, const Control& c) noexcept { began_of(f, c) = f.executor->now(); }

bool may_begin_rung(Frame& f, const Control& c, std::uint32_t arm) noexcept {
  begin_rung(f, c);
  const Duration left = f.head.request.deadline - std::max(c.reserve, Duration{}) - began_of(f, c);
  bool begins = true;
  learn(c.rungs[arm], [&](policy::RungTime known) {
    begins = policy::begins(known, left);
    return known;
  });
  return begins;
}

void learn_rung(Frame& f, const Region& r, bool whole) noexcept {
  const Control& c = *r.control;
  const Duration took = f.executor->now() - began_of(f, c);
  learn(c.rungs[r.arm], [=](policy::RungTime known) { return policy::observe(known, took, whole); });
}

}  // namespace tailrace::detail
