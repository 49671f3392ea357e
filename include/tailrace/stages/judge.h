#pragma once
#include "tailrace/stages/boxes.h"

namespace tailrace::stages {

// Reads what a network said of each box, and keeps those whose score is above `least`, in their order. An answer is
// float32 [5 + 2 n]: a score, how far the four sides are off, and, where n marks were looked for, their n places from
// the left and then n from the top, in parts of the box's width and height (of which right and bottom name the last
// pixels, counted from 1). A tensor holds one answer, or is [boxes, 5 + 2 n]. As many answers as boxes, or it is an
// error.
struct JudgeBoxes {
  double least = 0.5;
  Result<Boxes> operator()(Boxes boxes, const std::vector<Tensor>& answers) const;
};

// The same under its name in a Catalog: {"judge_boxes": {"least": 0.7}}.
Wrapped<JudgeBoxes> judge_boxes(JudgeBoxes how);

}  // namespace tailrace::stages
