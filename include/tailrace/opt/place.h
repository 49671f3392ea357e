#pragma once
#include "tailrace/opt/pass.h"

namespace tailrace {

// Rewrite: says for every stage on which device it runs. Everything runs on the CPU.
Problems place(PlanData& plan, const OptimiseOptions& options);

}  // namespace tailrace
