#pragma once
#include <vector>

#include "tailrace/plan/make_stage.h"

namespace tailrace::stages {

// Tensors of one dtype and shape, on the CPU, as the rows of one: [count, ...]. None at all, or two that differ, are an
// error.
Result<Tensor> stack(const std::vector<Tensor>& rows);

}  // namespace tailrace::stages
