#pragma once
#include <cstdint>

#include "tailrace/core/tensor.h"

namespace tailrace::stages {

// A part of a picture, in pixels: rows [top, bottom) and columns [left, right).
struct Part {
  std::int64_t left = 0, top = 0, right = 0, bottom = 0;
  bool empty() const noexcept { return left >= right || top >= bottom; }
};

// What values of 0 to 255 become: (value - mean) / deviation.
struct Norm {
  float mean = 0, deviation = 1;
};

// Writes the part in another size as planes of float32, [channels, height, width], row-major, to `out`: each value is
// the mean of all pixels that its place touches, as interpolate(mode="area") of PyTorch makes it, in both directions.
// REQUIRES: the part lies in the picture and is not empty; room for as many values.
void sample_area(const Tensor& picture, const Part& part, std::int64_t height, std::int64_t width, const Norm& norm,
                 float* out);

}  // namespace tailrace::stages
