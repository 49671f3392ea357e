#pragma once
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "tailrace/core/tensor.h"

namespace tailrace::stages {

// f(span<const T>) of the elements in row-major order, T being float or double; an Error for tensors of other types.
template <class F>
auto with_elements(const Tensor& values, std::string_view stage, F f)
    -> std::invoke_result_t<F, std::span<const float>> {
  if (values.device().kind != Device::Kind::cpu)
    return Error(Code::unsupported, stage, "takes tensors on the CPU, got one on " + name(values.device()));
  if (values.empty() && values.shape().elements() != 0)
    return Error(Code::bad_value, stage, "got a tensor without data");
  const Tensor flat = values.contiguous() ? values : values.contiguous_copy();
  switch (values.dtype()) {
    case DType::float32: return f(std::span<const float>(flat.as<float>()));
    case DType::float64: return f(std::span<const double>(flat.as<double>()));
    case DType::float16:
    case DType::bfloat16:
    case DType::int8:
    case DType::int16:
    case DType::int32:
    case DType::int64:
    case DType::uint8:
    case DType::boolean: break;
  }
  return Error(Code::type_mismatch, stage, "takes float32 or float64, got " + std::string(name(values.dtype())));
}

}  // namespace tailrace::stages
