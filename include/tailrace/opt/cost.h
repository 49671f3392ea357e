#pragma once
#include "tailrace/opt/pass.h"

namespace tailrace {

// Rewrite: writes what each stage and combinator is expected to take beside it, from options.profile: the median of the
// variant that was chosen. Without a profile it does nothing.
Problems cost(PlanData& plan, const OptimiseOptions& options);

}  // namespace tailrace
