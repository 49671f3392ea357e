#pragma once
#include "tailrace/opt/pass.h"

namespace tailrace {

// Rewrite: puts functions, models and joins that follow each other on one device into one group, which runs as one
// block without being handed over in between. A group ends at a race, cascade, choose or each, and at the end of an
// arm.
Problems fuse(PlanData& plan, const OptimiseOptions& options);

}  // namespace tailrace
