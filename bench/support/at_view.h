#pragma once
#include <ATen/ATen.h>

#include "tailrace/core/tensor.h"

namespace bench {

// The same memory for ATen. REQUIRES: floats, contiguous, and kept for as long as the view is used
inline at::Tensor view_of(const tailrace::Tensor& t) {
  const tailrace::Shape shape = t.shape();
  return at::for_blob(t.data(), {shape.begin(), shape.rank()}).options(at::kFloat).make_tensor();
}

}  // namespace bench
