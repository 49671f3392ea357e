#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/from_blob.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tailrace/core/tensor.h"

// Tensors from ours to LibTorch's and back, without copies.
namespace tailrace::torch::detail {

inline at::ScalarType scalar_type(DType dtype) noexcept {
  switch (dtype) {
    case DType::float32: return at::kFloat;
    case DType::float64: return at::kDouble;
    case DType::float16: return at::kHalf;
    case DType::bfloat16: return at::kBFloat16;
    case DType::int8: return at::kChar;
    case DType::int16: return at::kShort;
    case DType::int32: return at::kInt;
    case DType::int64: return at::kLong;
    case DType::uint8: return at::kByte;
    case DType::boolean: return at::kBool;
  }
  return at::kFloat;
}

inline std::optional<DType> dtype_of(at::ScalarType type) noexcept {
  for (auto dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16, DType::int8, DType::int16,
                     DType::int32, DType::int64, DType::uint8, DType::boolean})
    if (scalar_type(dtype) == type) return dtype;
  return std::nullopt;
}

// A view of `tensor`'s memory, which must outlive it.
inline at::Tensor borrow(const Tensor& tensor) {
  const at::IntArrayRef sizes(tensor.shape().begin(), tensor.shape().rank());
  const at::IntArrayRef strides(tensor.strides().begin(), tensor.strides().rank());
  return at::for_blob(tensor.data(), sizes)
      .strides(strides)
      .target_device(at::kCPU)
      .options(at::TensorOptions(scalar_type(tensor.dtype())))
      .make_tensor();
}

// An answer that looks into an input keeps that input's owner too.
struct Held {
  at::Tensor tensor;
  std::shared_ptr<void> input;
};

// A view of `tensor`'s memory that keeps it; or, in `bad`, why there can be none.
inline Tensor lend(at::Tensor tensor, std::shared_ptr<void> input, std::string& bad) {
  const auto dtype = dtype_of(tensor.scalar_type());
  if (tensor.layout() != at::kStrided || tensor.is_quantized() || !tensor.is_cpu() || !dtype) {
    bad = "a " + tensor.toString() + ", which is not supported";
    return {};
  }
  if (static_cast<std::size_t>(tensor.dim()) > Shape::max_rank) {
    bad = "of " + std::to_string(tensor.dim()) + " dimensions; at most 8 are supported";
    return {};
  }
  if (tensor.is_neg()) tensor = tensor.resolve_neg();
  auto held = std::make_shared<Held>(Held{std::move(tensor), std::move(input)});
  const at::Tensor& t = held->tensor;
  return Tensor::strided(t.data_ptr(), *dtype, Shape(std::span(t.sizes())), Shape(std::span(t.strides())), {}, held);
}

// Appends the tensors of an answer, those of nested tuples and lists one after another. False: something else is in it.
inline bool flatten(const c10::IValue& value, std::vector<at::Tensor>& tensors) {
  if (value.isTensor()) return tensors.push_back(value.toTensor()), true;
  if (value.isTensorList()) {
    for (at::Tensor t : value.toTensorList()) tensors.push_back(std::move(t));
    return true;
  }
  if (value.isTuple()) {
    for (const auto& element : value.toTupleRef().elements())
      if (!flatten(element, tensors)) return false;
    return true;
  }
  if (!value.isList()) return false;
  for (const c10::IValue& element : value.toListRef())
    if (!flatten(element, tensors)) return false;
  return true;
}

}  // namespace tailrace::torch::detail
