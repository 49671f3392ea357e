#pragma once
#include "tailrace/opt/pass.h"

namespace tailrace {

// Choice: says how long before a request's deadline each cascade of the flow, and each staged whose stages may go on
// with an answer, is cut off, where the flow does not: so long as all that follows it takes in 99 of 100 calls, by
// options.profile. Where one such stage is unknown there is no cut-off. Those that nothing follows are cut off at the
// deadline itself; those inside of arms are left as they are. Without a profile it does nothing.
Problems exits(PlanData& plan, const OptimiseOptions& options);

}  // namespace tailrace
