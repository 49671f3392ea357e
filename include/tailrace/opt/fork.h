#pragma once
#include "tailrace/opt/pass.h"

namespace tailrace {

// Rewrite: lets the branches of a join run at the same time where the profile says that it pays: where the time that
// they overlap, on as many threads as were measured on, is at least ten wake-ups for each branch that is handed over.
// Without a profile nothing is forked.
Problems fork(PlanData& plan, const OptimiseOptions& options);

}  // namespace tailrace
