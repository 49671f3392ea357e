#pragma once
#include <vector>

#include "tailrace/plan/graph.h"

namespace tailrace {

// Who may take a value apart. A value may be taken apart by its only reader, and only where nobody can still be looking
// at it. Arms alias the slot of their parent's input: they all see one value.
//   - the input of a flow and of an element flow of `each` is movable;
//   - a `choose` hands its input to one arm alone, so the arm may have it whenever the choose may;
//   - a staged hands its input to its first stage alone, and every carry to the next stage alone;
//   - a cascade's last rung may have it where no earlier rung can be looking at it still or have it as its answer;
//   - arms of a race or a quorum and both calls of a hedge run side by side: none may.
struct Moves {
  std::vector<bool> may_take;                        // by node: whether it may take its inputs apart
  std::vector<std::vector<bool>> arm_input_movable;  // by node and arm
};
Moves find_moves(const Graph& graph, bool input_movable);

// The same for one node, one arm. For an each, may_take says whether elements may be moved out of the vector.
bool may_take(const Graph& graph, int node, bool input_movable);
bool arm_input_movable(const Graph& graph, int node, std::size_t arm, bool input_movable);

// Whether a part of the graph may still run when its answer, or its failure, is known: the losers of a race, a
// quorum or a hedge, the siblings of a failed join or element, the rung that a cascade was cut off in.
bool may_leave_running(const Graph& graph);

}  // namespace tailrace
