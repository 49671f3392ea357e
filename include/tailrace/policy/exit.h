#pragma once
#include <algorithm>
#include <cstdint>

#include "tailrace/core/clock.h"

// Whether a cascade under a deadline begins its next rung where it has an answer already: not if even the shortest run
// that is remembered of that rung would end past the cut-off, when the answer would be used anyway. No clock, no thread
// and no memory in here; whoever runs rungs keeps a RungTime for each and says what they took.
namespace tailrace::policy {

// What has been learned of one rung, from its begin to its answer, waiting included. One word, so that it fits an
// atomic.
struct alignas(8) RungTime {
  static constexpr std::uint16_t enough_runs = 8;      // seen before it counts as known
  static constexpr std::uint32_t longest = ~0u;        // stands for itself and everything above
  static constexpr std::uint32_t forgotten_in = 1024;  // runs
  static constexpr std::uint16_t probe = 32;           // of so many left out one is begun all the same

  std::uint32_t least = 0;     // nanoseconds: the shortest run, slowly forgotten
  std::uint16_t runs = 0;      // seen, up to `enough_runs`
  std::uint16_t left_out = 0;  // since one was begun all the same

  bool known() const noexcept { return runs == enough_runs; }
  bool operator==(const RungTime&) const = default;
};

// Whether to begin a rung whose answer is of use within `left`.
inline bool begins(RungTime& rung, Duration left) noexcept {
  if (!rung.known() || left >= Duration(rung.least)) return true;
  if (++rung.left_out < RungTime::probe) return false;
  rung.left_out = 0;
  return true;
}

// What is known after one more run. `whole`: it gave its answer; one that was stopped, or failed, only shows that an
// answer takes longer than that. A shorter run replaces the shortest; any longer one adds 1/1024 of the difference.
// So a rung that takes twice as long from one day on is taken for what it is after some thousand runs, and one that
// takes half as long at once.
inline RungTime observe(RungTime rung, Duration took, bool whole) noexcept {
  const auto ns = static_cast<std::uint32_t>(std::clamp<Duration::rep>(took.count(), 0, RungTime::longest));
  if (rung.runs == 0 || (whole && ns < rung.least)) rung.least = ns;
  else if (ns > rung.least) rung.least += (ns - rung.least) / RungTime::forgotten_in;
  if (!rung.known()) ++rung.runs;
  return rung;
}

}  // namespace tailrace::policy
