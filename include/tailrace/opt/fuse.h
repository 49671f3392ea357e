#pragma once
#include "tailrace/opt/pass.h"

namespace tailrace {

// Rewrite: puts functions, models and joins that follow each other on one device, in one branch, into one group, which
// runs as one block without being handed over in between. A group ends at a race, cascade, choose or each, and at the
// end of an arm. Where the profile knows both sides, they are put together when a hand-over costs more than it is worth
// to look, between them, whether something else is more urgent. Where it does not, they are put together. With
// options.max_block a group ends before it is expected to take longer, and at stages of unknown cost.
Problems fuse(PlanData& plan, const OptimiseOptions& options);

namespace detail {
// Whether no block can span from the first node to the second, which follows it, whatever that would gain: what a
// station, a combinator or a scheduler has to see.
bool boundary(const Node& before, const Node& behind);
}  // namespace detail

}  // namespace tailrace
