#pragma once
#include "tailrace/plan/catalog.h"
#include "tailrace/stages/top.h"

namespace tailrace {

// Adds the ready-made stages and tests to a catalog, and the type names "Tensor" and "Ranking":
//   scale {"by": 1, "offset": 0}: Tensor -> Tensor              softmax: Tensor -> Tensor
//   arg_max: Tensor -> long                                     margin {"least": 0.8, "of": "scores"}: tests a Tensor
//   resize {"shorter": 256, "filter": "bicubic"}, or {"height": 224, "width": 224, "filter": "bilinear"},
//   crop {"height": 224, "width": 224}, normalise {"mean": 127, "deviation": 128}: Tensor -> Tensor
//   stack: vector of Tensors -> Tensor                          top {"k": 5, "labels": "imagenet"}: Tensor -> Ranking
// `labels` finds what "labels" names; without it there are none, and a flow that asks for some is refused.
void add_stages(Catalog& catalog, stages::LabelSource labels = nullptr);

}  // namespace tailrace
