#pragma once
#include <array>

#include "tailrace/plan/make_stage.h"

namespace tailrace::stages {

// A picture (see resize.h) of three channels as networks take it: (value - mean) / deviation of each channel, in
// float32, one plane after another: [3, height, width].
struct Normalise {
  std::array<double, 3> mean = {0, 0, 0};
  std::array<double, 3> deviation = {1, 1, 1};
  Result<Tensor> operator()(const Tensor& picture) const;
};

// The same under its name in a Catalog, with one number for all channels, or three in a text:
// {"normalise": {"mean": 127, "deviation": 128}},
// {"normalise": {"means": "123.675, 116.28, 103.53", "deviations": "58.395, 57.12, 57.375"}}.
Wrapped<Normalise> normalise(const Normalise& how);

}  // namespace tailrace::stages
