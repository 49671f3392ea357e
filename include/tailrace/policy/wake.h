#pragma once
#include <algorithm>

#include "tailrace/core/clock.h"

// When a thread that has something to do at a time sleeps, and when it looks at the clock instead. A sleep ends late,
// by some 50 us on most machines; so the thread sleeps until shortly before, and spins for the rest. How long before is
// learned from how late sleeps end, and how much may be spun is bounded: in any time `t` at most
// `spin_share * t + spin_burst`: of half a second or more at most 2 %. No clock and no thread in here.
namespace tailrace::policy {

inline constexpr double spin_share = .016;
inline constexpr Duration spin_burst{1'000'000};  // saved while nothing is waited for

struct WakeState {
  // How late sleeps end: one in five ends less late than `usual`, nine in ten less late than `most`.
  Duration usual{20'000}, most{80'000};
  Duration left = spin_burst;  // may be spun now
  TimePoint filled{};          // when that was so
};

// The state as time passes: the budget fills up.
WakeState pass(WakeState state, TimePoint now) noexcept;
// When to wake up for what is due then. From there until `due` it may be spun. With a full budget nine in ten sleeps
// end in time; as it empties fewer do, which end nearer to it, and with none a thread sleeps until `due`.
TimePoint wake_before(const WakeState& state, TimePoint due) noexcept;
// After a sleep that ended so much later than it was to. Old ones fade: a quantile moves by a sixteenth of itself.
WakeState observe_sleep(WakeState state, Duration late) noexcept;
WakeState observe_spin(WakeState state, Duration spun) noexcept;

}  // namespace tailrace::policy
