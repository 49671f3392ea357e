#pragma once
#include "tailrace/plan/catalog.h"

namespace tailrace {

// Adds the ready-made stages and tests to a catalog, and the type name "Tensor":
//   scale {"by": 1, "offset": 0}: Tensor -> Tensor              softmax: Tensor -> Tensor
//   arg_max: Tensor -> long                                     margin {"least": 0.8, "of": "scores"}: tests a Tensor
void add_stages(Catalog& catalog);

}  // namespace tailrace
