#pragma once
#include <vector>

#include "tailrace/plan/choices.h"
#include "tailrace/plan/graph.h"

namespace tailrace::detail {

// Where a node runs: in the main line of its graph, or in a branch of a join that is forked.
struct Branch {
  int join = 0;   // node number; 0: the main line
  int input = 0;  // which of its inputs the branch leads to
  bool operator==(const Branch&) const = default;
};

// By node. A node belongs to a branch when all that it leads to goes through that one input of the join; what several
// branches need runs before the fork.
std::vector<Branch> find_branches(const Graph& graph, const GraphChoices& choices);

}  // namespace tailrace::detail
