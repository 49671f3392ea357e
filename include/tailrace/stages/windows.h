#pragma once
#include "tailrace/stages/boxes.h"
#include "tailrace/stages/pyramid.h"

namespace tailrace::stages {

// Reads the map of a network that has looked at every place of a level: float32 [5, rows, columns], the score of each
// window and how far its four sides are off. The window in row r and column c begins at pixel (c * stride, r * stride)
// of the level and is `window` pixels wide. Gives those whose score is `least` or more, row by row, as boxes of the
// picture that the level was made of.
struct Windows {
  double least = 0.5;
  std::int64_t window = 12, stride = 2;
  Result<Boxes> operator()(const Level& level, const Tensor& map) const;
};

// The same under its name in a Catalog: {"windows": {"least": 0.6, "window": 12, "stride": 2}}.
Wrapped<Windows> windows(Windows how);

}  // namespace tailrace::stages
