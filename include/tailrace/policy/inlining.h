#pragma once
#include <algorithm>
#include <cstdint>

#include "tailrace/core/clock.h"

// Which blocks a caller runs on his own thread although he must have his answer at a deadline: those that are known to
// take at most half of the time that is left. No clock, no thread and no memory in here; whoever runs blocks keeps a
// BlockCost for each and says what they took. Asked twice per block, and so all of it stands here, to be inlined.
namespace tailrace::policy {

// What has been learned of one block's durations. One word, so that it fits an atomic.
struct alignas(8) BlockCost {
  static constexpr std::uint32_t enough_runs = 8;     // seen before a block counts as known
  static constexpr std::uint32_t longest = ~0u;       // stands for itself and everything above
  static constexpr std::uint32_t forgotten_in = 128;  // runs

  std::uint32_t runs = 0;  // seen from beginning to end, up to `enough_runs`
  std::uint32_t most = 0;  // nanoseconds: the longest run, slowly forgotten

  bool known() const noexcept { return runs == enough_runs; }
  bool operator==(const BlockCost&) const = default;
};

// How long an answer may take that is due at once: about as long as it takes to wake a thread that sleeps.
inline constexpr Duration at_once{100'000};

inline std::uint32_t to_cost(Duration d) noexcept {
  return static_cast<std::uint32_t>(std::clamp<Duration::rep>(d.count(), 0, BlockCost::longest));
}

// The cost of a block that is said to take so long, by whoever declared or measured it.
inline BlockCost expected_cost(Duration most) noexcept { return {BlockCost::enough_runs, to_cost(most)}; }

// Whether a block may run on the thread of a caller who must have his answer in `slack`: it is known, and the longest
// run that is remembered fits twice.
inline bool may_inline(const BlockCost& cost, Duration slack) noexcept {
  return cost.known() && cost.most <= slack.count() / 2 && cost.most != BlockCost::longest;
}

// What is known after one more run. `whole`: it came to its end; one that failed or was stopped only shows that the
// block can take at least so long. A run longer than `most` replaces it; any other one takes 1/128 of the difference
// off. So after a run that took longer than its slack, at least 88 runs must be seen before may_inline() is true for
// that slack again: of all runs of a block at most one in 89 is let begin and outruns it, whatever the distribution.
inline BlockCost observe(BlockCost cost, Duration took, bool whole) noexcept {
  const std::uint32_t ns = to_cost(took);
  if (ns >= cost.most) cost.most = ns;
  else if (whole) cost.most -= (cost.most - ns) / BlockCost::forgotten_in;
  if (whole && !cost.known()) ++cost.runs;
  return cost;
}

}  // namespace tailrace::policy
