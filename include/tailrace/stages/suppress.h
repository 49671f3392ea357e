#pragma once
#include <cstdint>

#include "tailrace/stages/boxes.h"

namespace tailrace::stages {

// What the area that two boxes share is compared with.
enum class OverlapOf : std::uint8_t {
  both,     // the area that they cover together: intersection over union
  smaller,  // the area of the smaller one, so that a box inside another one goes
};

// Non-maximum suppression: takes the box with the highest score, drops those that overlap it by more than `overlap`,
// takes the best of the rest, and so on. Gives what it took, in that order; of equal scores the first goes first. A
// box whose score is not a number is an error. Its time grows with the square of the number of boxes.
struct Suppress {
  double overlap = 0.5;
  OverlapOf of = OverlapOf::both;
  float border = 0;  // is added to widths and heights: 1 where right and bottom name the last pixel inside
  Result<Boxes> operator()(const Boxes& boxes) const;
};

// The same under its name in a Catalog: {"suppress": {"overlap": 0.7, "of": "smaller", "border": 1}}.
Wrapped<Suppress> suppress(Suppress how);

}  // namespace tailrace::stages
