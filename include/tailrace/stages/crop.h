#pragma once
#include <cstdint>

#include "tailrace/plan/make_stage.h"

namespace tailrace::stages {

// The middle of a picture (see resize.h), as a view of its memory. What cannot be shared out evenly is one pixel more
// left out at the bottom, or at the right. A smaller picture is an error.
struct Crop {
  std::int64_t height = 0, width = 0;
  Result<Tensor> operator()(const Tensor& picture) const;
};

// The same under its name in a Catalog: {"crop": {"height": 224, "width": 224}}.
Wrapped<Crop> crop(Crop how);

}  // namespace tailrace::stages
