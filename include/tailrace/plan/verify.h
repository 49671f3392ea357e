#pragma once
#include "tailrace/core/problems.h"
#include "tailrace/plan/graph.h"
#include "tailrace/plan/handles.h"

namespace tailrace {

// Everything that is wrong with a graph: what was recorded while it was built, types that do not meet along an edge,
// nodes out of order, names used twice, arms without a common type, a last rung that may exit, and move-only values
// that would have to be read twice. Empty when it can run. Each problem names the stage, or the arm: see path_of.
Problems verify(const Graph& graph);

// The same for a plan: its graph, models that nothing was found for, and choices that do not fit the graph.
Problems verify(const PlanData& plan);

// Whether a graph is small enough to be looked at: at most 64 graphs inside each other, and at most 65536 stages, those
// of a flow that is used several times counted each time. verify reports one that is not, and looks no further.
bool within_bounds(const Graph& graph);

}  // namespace tailrace
