#pragma once
#include <cstddef>
#include <cstdint>

#include "tailrace/core/atomic.h"

// What a quorum counts with, in a slot of the frame: a Ballot and behind it a Vote for every arm. Ready from the start
// of the control on.
namespace tailrace::detail {

struct Vote {
  enum Said : std::uint32_t { unheard, spoken, counted };
  static constexpr std::uint32_t no_group = ~0u;  // its arm failed
  Atomic<std::uint32_t> said{unheard};
  std::uint32_t group = 0;  // once counted: the first arm counted whose answer it equals, or `no_group`
};

struct Ballot {
  static constexpr std::uint32_t counting = 1u << 31;
  Atomic<std::uint32_t> word{0};  // arms that have spoken; `counting` while somebody counts
  std::uint32_t most = 0;         // arms in the largest group

  Vote* votes() noexcept { return reinterpret_cast<Vote*>(this + 1); }
  static constexpr std::uint32_t bytes(std::size_t arms) noexcept {
    return static_cast<std::uint32_t>(sizeof(Ballot) + arms * sizeof(Vote));
  }
};
static_assert(alignof(Ballot) == alignof(Vote) && sizeof(Ballot) % alignof(Vote) == 0);

}  // namespace tailrace::detail
