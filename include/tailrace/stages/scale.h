#pragma once
#include "tailrace/plan/make_stage.h"

namespace tailrace::stages {

// Every element times `by` plus `offset`; shape and dtype stay. For tensors of float32 and float64 on the CPU, as all
// stages of this folder: others are an error that names their dtype.
struct Scale {
  double by = 1;
  double offset = 0;
  Result<Tensor> operator()(const Tensor& values) const;
};

// The same under its name in a Catalog: {"scale": {"by": 0.0625, "offset": -1}}.
Wrapped<Scale> scale(Scale how);

}  // namespace tailrace::stages
