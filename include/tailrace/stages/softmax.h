#pragma once
#include "tailrace/plan/make_stage.h"

namespace tailrace::stages {

// Scores to probabilities: exp(x - largest) over the sum of those, along the last dimension. Sums are taken in float64.
// Scores that are infinite or not a number are an error.
Result<Tensor> softmax(const Tensor& scores);

}  // namespace tailrace::stages
