#pragma once
#include <cstdint>

#include "tailrace/stages/boxes.h"

namespace tailrace::stages {

// What lies in each box of a picture (see resize.h), as a network takes it: [channels, size, size] of float32, each
// pixel the mean of all that it covers (as interpolate(mode="area") of PyTorch), then (value - mean) / deviation.
// Pixels are counted from 1, and a box holds those from left to right and top to bottom, cut off at the picture's
// edges; one that holds none gives zeros. In the order of boxes.
struct CutOut {
  std::int64_t size = 0;
  double mean = 0, deviation = 1;
  // 0: one tensor for each box. Otherwise so many boxes at most share a tensor [boxes, channels, size, size].
  std::int64_t batch = 0;
  Result<std::vector<Tensor>> operator()(const Tensor& picture, const Boxes& boxes) const;
};

// The same under its name in a Catalog: {"cut_out": {"size": 24, "mean": 127.5, "deviation": 128, "batch": 64}}.
Wrapped<CutOut> cut_out(CutOut how);

}  // namespace tailrace::stages
