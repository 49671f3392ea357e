#include "tailrace/core/tensor.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

namespace tailrace {

std::size_t size_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::float32:
    case DType::int32: return 4;
    case DType::float64:
    case DType::int64: return 8;
    case DType::float16:
    case DType::bfloat16:
    case DType::int16: return 2;
    case DType::int8:
    case DType::uint8:
    case DType::boolean: return 1;
  }
  return 1;
}

std::string_view name(DType dtype) noexcept {
  switch (dtype) {
    case DType::float32: return "float32";
    case DType::float64: return "float64";
    case DType::float16: return "float16";
    case DType::bfloat16: return "bfloat16";
    case DType::int8: return "int8";
    case DType::int16: return "int16";
    case DType::int32: return "int32";
    case DType::int64: return "int64";
    case DType::uint8: return "uint8";
    case DType::boolean: return "boolean";
  }
  return "unknown";
}

std::string name(Device device) {
  switch (device.kind) {
    case Device::Kind::cpu: return "cpu";
    case Device::Kind::cuda: return "cuda:" + std::to_string(device.index);
  }
  return "unknown";
}

namespace {

// At most INT64_MAX. REQUIRES: neither is negative.
std::int64_t times(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::int64_t>::max() : product;
}

// The product of the extents; a dimension without elements counts as one.
std::int64_t volume(const Shape& shape) noexcept {
  std::int64_t product = 1;
  for (const auto extent : shape) product = times(product, std::max<std::int64_t>(extent, 1));
  return product;
}

}  // namespace

std::int64_t Shape::elements() const noexcept {
  const bool none = std::any_of(begin(), end(), [](auto extent) { return extent <= 0; });
  return none ? 0 : volume(*this);
}

Shape Shape::without_first() const noexcept {
  Shape row;
  std::copy(extents_.begin() + 1, extents_.end(), row.extents_.begin());  // those beyond the rank as well: no loop
  row.rank_ = rank_ - 1;
  return row;
}

Shape Shape::with_first(std::int64_t extent) const noexcept {
  Shape batch{extent};
  for (auto e : *this) batch.push_back(e);
  return batch;
}

bool Shape::operator==(const Shape& other) const noexcept {
  if (rank_ != other.rank_) return false;
  for (std::size_t i = 0; i < rank_; ++i)
    if (extents_[i] != other.extents_[i]) return false;
  return true;
}

std::string name(const Shape& shape) {
  std::string text = "[";
  for (auto extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

namespace {

constexpr std::align_val_t alignment{64};

// A dimension without elements counts as one.
Shape row_major(const Shape& shape) noexcept {
  std::array<std::int64_t, Shape::max_rank> strides;
  std::int64_t stride = 1;
  for (std::size_t i = shape.rank(); i-- > 0;) {
    strides[i] = stride;
    stride = times(stride, std::max<std::int64_t>(shape[i], 1));
  }
  return Shape(std::span(strides.data(), shape.rank()));
}

std::size_t bytes_of(DType dtype, const Shape& shape) {
  const auto elements = static_cast<std::size_t>(shape.elements());
  if (elements > std::numeric_limits<std::ptrdiff_t>::max() / size_of(dtype)) throw std::bad_alloc();
  return elements * size_of(dtype);
}

// Copies elements from strided memory to `to`, dimension by dimension; returns where the next one goes.
char* gather(char* to, const Tensor& from) {
  const std::size_t size = size_of(from.dtype());
  if (from.contiguous()) {
    const auto bytes = static_cast<std::size_t>(from.shape().elements()) * size;
    std::memcpy(to, from.data(), bytes);
    return to + bytes;
  }
  for (std::int64_t i = 0; i < from.shape()[0]; ++i) to = gather(to, from.row(i));
  return to;
}

}  // namespace

Tensor Tensor::zeros(DType dtype, const Shape& shape) {
  const std::size_t bytes = bytes_of(dtype, shape);
  void* data = ::operator new(std::max<std::size_t>(bytes, 1), alignment);
  std::shared_ptr<void> owner(data, [](void* p) { ::operator delete(p, alignment); });
  std::memset(data, 0, bytes);
  return view(data, dtype, shape, std::move(owner));
}

Tensor Tensor::view(void* data, DType dtype, const Shape& shape, std::shared_ptr<void> owner) {
  return strided(data, dtype, shape, row_major(shape), Device{}, std::move(owner));
}

Tensor Tensor::strided(void* data, DType dtype, const Shape& shape, const Shape& strides, Device device,
                       std::shared_ptr<void> owner) {
  Tensor t;
  t.data_ = data;
  t.dtype_ = dtype;
  t.shape_ = shape;
  t.strides_ = strides;
  t.device_ = device;
  t.owner_ = std::move(owner);
  return t;
}

bool Tensor::contiguous() const noexcept {
  bool in_order = true;
  std::int64_t stride = 1;
  for (std::size_t i = shape_.rank(); i-- > 0;) {
    if (shape_[i] <= 0) return true;  // no elements
    if (shape_[i] != 1 && strides_[i] != stride) in_order = false;
    stride = times(stride, shape_[i]);
  }
  return in_order;
}

Tensor Tensor::row(std::int64_t i) const {
  Tensor t = *this;
  const auto bytes = i * strides_[0] * static_cast<std::int64_t>(size_of(dtype_));
  if (data_) t.data_ = static_cast<char*>(data_) + bytes;
  t.shape_ = shape_.without_first();
  t.strides_ = strides_.without_first();
  return t;
}

Tensor Tensor::as_batch_of_one() const {
  Tensor t = *this;
  t.shape_ = shape_.with_first(1);
  t.strides_ = strides_.with_first(volume(shape_));
  return t;
}

Tensor Tensor::contiguous_copy() const {
  if (empty()) return view(nullptr, dtype_, shape_);
  Tensor copy = zeros(dtype_, shape_);
  if (shape_.elements() > 0) gather(static_cast<char*>(copy.data()), *this);
  return copy;
}

bool operator==(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape()) return false;
  if (a.shape().elements() == 0) return true;
  if (a.empty() || b.empty()) return a.empty() && b.empty();
  const Tensor left = a.contiguous() ? a : a.contiguous_copy(), right = b.contiguous() ? b : b.contiguous_copy();
  return std::memcmp(left.data(), right.data(), bytes_of(a.dtype(), a.shape())) == 0;
}

}  // namespace tailrace
