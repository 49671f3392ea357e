#pragma once
#include "tailrace/opt/pass.h"

namespace tailrace {

// Choice: puts a hedge around stages whose calls are slow now and then, where a second call would answer so much sooner
// that it pays, by what options.profile knows of their times: half of the calls take at most half as long as the
// slowest of a hundred, and a second call of the slowest tenth takes off a tenth of that and ten times what waking a
// thread takes. It does so where options.with names it, or where the profile knows that the flow misses
// options.goal.p99; else it only says what could be gained. Its hedges have the policy `adaptive`, which may start a
// second call for one call in ten.
//
// Only functions that are declared replicable, and models, are called twice, and never what keeps a state, takes one
// call at a time or answers in batches. Stages in arms of races, quorums and hedges have a rival already.
Problems race(PlanData& plan, const OptimiseOptions& options);

}  // namespace tailrace
