#pragma once
#include "tailrace/opt/pass.h"

namespace tailrace {

// Choice: lets requests share the calls of models where the table of times in the registry (Variant::times) says that
// rows then take less time: at least a sixth less. The largest call is the smallest one, of those that were measured
// if one will do, that comes within a twentieth of the least time a row; with options.goal.p99, none that takes more
// than half of it. As many calls run at a time as the profile's machine has threads, one where there is no profile; the
// policy is `table`. What a flow says by hand stays, and gets its table and, where it names none, that policy.
//
// Models without a table, models that take one row at a time and functions are left alone, and so are calls of hedges,
// since a second call would wait for the first one's batch. Answers may differ in their last bits, as those of other
// calls of the network do.
Problems batch(PlanData& plan, const OptimiseOptions& options);

}  // namespace tailrace
