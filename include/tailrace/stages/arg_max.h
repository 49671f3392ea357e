#pragma once
#include <cstdint>

#include "tailrace/plan/make_stage.h"

namespace tailrace::stages {

// Where the largest element stands, counted from 0 in row-major order; of equal ones the first. An empty tensor, or an
// element that is not a number, is an error.
Result<std::int64_t> arg_max(const Tensor& values);

}  // namespace tailrace::stages
