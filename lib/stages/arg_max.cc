#include "tailrace/stages/arg_max.h"

#include <algorithm>
#include <cmath>

#include "stages/elements.h"

namespace tailrace::stages {

Result<std::int64_t> arg_max(const Tensor& values) {
  return with_elements(values, "arg_max", []<class T>(std::span<const T> in) -> Result<std::int64_t> {
    if (in.empty()) return Error(Code::shape_mismatch, "arg_max", "got a tensor without elements");
    if (std::any_of(in.begin(), in.end(), [](T x) { return std::isnan(x); }))
      return Error(Code::bad_value, "arg_max", "an element is not a number");
    return static_cast<std::int64_t>(std::max_element(in.begin(), in.end()) - in.begin());
  });
}

}  // namespace tailrace::stages
