#pragma once
#include "tailrace/opt/pass.h"

namespace tailrace {

// Choice: finds in options.models a variant for every model that is asked for by name and need: of those accurate
// enough the one with the least latency, a known latency before an unknown one, and the first added among equals. A
// need of 0 takes any variant; a variant of unknown accuracy meets no other need. Models that a back end loaded stay.
Problems variant(PlanData& plan, const OptimiseOptions& options);

}  // namespace tailrace
