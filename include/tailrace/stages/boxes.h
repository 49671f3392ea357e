#pragma once
#include <array>
#include <vector>

#include "tailrace/plan/make_stage.h"

// Stages for networks that find things in pictures (see resize.h for what a picture is). Lists of boxes go from stage
// to stage: windows.h finds them, suppress.h thins them out, cut_out.h shows them to the next network, whose answers
// judge.h reads. All arithmetic is in float32, in the order in which PyTorch programs do it, so that boxes equal
// theirs.
namespace tailrace::stages {

struct Mark {
  float x = 0, y = 0;
  bool operator==(const Mark&) const = default;
};

// A rectangle of a picture, in pixels from its upper left corner, and what the latest network said of it.
struct Box {
  float left = 0, top = 0, right = 0, bottom = 0;
  float score = 0;
  // How far each side is off, left, top, right, bottom, in parts of the box's width and height.
  std::array<float, 4> shift{};
  std::vector<Mark> marks;  // points found in it, as the corners of a mouth
  bool operator==(const Box&) const = default;
};
using Boxes = std::vector<Box>;

// All lists as one, in their order.
Boxes merge_boxes(const std::vector<Boxes>& lists);

// Moves each side by its shift, which is used up. `border` is added to width and height before: 1 where right and
// bottom name the last pixel inside.
struct ShiftBoxes {
  float border = 0;
  Boxes operator()(Boxes boxes) const;
};

// Makes each box a square around the same middle, as wide as its longer side.
Boxes square_boxes(Boxes boxes);

// A copy of a picture of three channels with each box as a frame `width` pixels wide, and its marks as squares. What
// lies outside is not drawn.
struct DrawBoxes {
  int width = 2;
  Result<Tensor> operator()(const Tensor& picture, const Boxes& boxes) const;
};

// The same under their names in a Catalog: {"shift_boxes": {"border": 1}}, {"draw_boxes": {"width": 2}}.
Wrapped<ShiftBoxes> shift_boxes(ShiftBoxes how);
Wrapped<DrawBoxes> draw_boxes(DrawBoxes how);

}  // namespace tailrace::stages
