#pragma once
#include "tailrace/plan/catalog.h"
#include "tailrace/stages/top.h"

namespace tailrace {

// Adds the ready-made stages and tests to a catalog, and the type names "Tensor", "Ranking", "Boxes" and "Level":
//   scale {"by": 1, "offset": 0}: Tensor -> Tensor              softmax: Tensor -> Tensor
//   arg_max: Tensor -> long                                     margin {"least": 0.8, "of": "scores"}: tests a Tensor
//   resize {"shorter": 256, "filter": "bicubic"}, or {"height": 224, "width": 224, "filter": "bilinear"},
//   crop {"height": 224, "width": 224}, normalise {"mean": 127, "deviation": 128}: Tensor -> Tensor
//   stack: vector of Tensors -> Tensor                          top {"k": 5, "labels": "imagenet"}: Tensor -> Ranking
// and for networks that find things in pictures:
//   pyramid {"smallest": 20, "factor": 0.709, "window": 12}: Tensor -> vector of Levels
//   level_pixels {"mean": 127.5, "deviation": 128}: Level -> Tensor
//   windows {"least": 0.6, "window": 12, "stride": 2}: Level, Tensor -> Boxes
//   suppress {"overlap": 0.7, "of": "smaller", "border": 1}, shift_boxes {"border": 1}, square_boxes: Boxes -> Boxes
//   merge_boxes: vector of Boxes -> Boxes
//   cut_out {"size": 24, "mean": 127.5, "deviation": 128, "batch": 64}: Tensor, Boxes -> vector of Tensors
//   judge_boxes {"least": 0.7}: Boxes, vector of Tensors -> Boxes
//   draw_boxes {"width": 2}: Tensor, Boxes -> Tensor
// `labels` finds what "labels" names; without it there are none, and a flow that asks for some is refused.
void add_stages(Catalog& catalog, stages::LabelSource labels = nullptr);

}  // namespace tailrace
