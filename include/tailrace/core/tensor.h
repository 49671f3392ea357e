#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tailrace/core/result.h"

namespace tailrace {

enum class DType : std::uint8_t { float32, float64, float16, bfloat16, int8, int16, int32, int64, uint8, boolean };
std::size_t size_of(DType dtype) noexcept;  // bytes of one element
std::string_view name(DType dtype) noexcept;

// Where memory lies. `index` numbers the devices of one kind.
struct Device {
  enum class Kind : std::uint8_t { cpu, cuda };
  Kind kind = Kind::cpu;
  std::int8_t index = 0;
  bool operator==(const Device&) const = default;
};
std::string name(Device device);  // "cpu", "cuda:0"

// The extent of each dimension, outermost first; at most 8 dimensions, held in place. A scalar has none.
class Shape {
 public:
  static constexpr std::size_t max_rank = 8;
  Shape() = default;
  // REQUIRES: at most max_rank extents; further ones are dropped.
  Shape(std::initializer_list<std::int64_t> extents) : Shape(std::span(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const std::int64_t> extents) noexcept {
    for (auto e : extents) push_back(e);
  }
  void push_back(std::int64_t extent) noexcept {
    if (rank_ < max_rank) extents_[rank_++] = extent;
  }

  std::size_t rank() const noexcept { return rank_; }
  std::int64_t operator[](std::size_t i) const noexcept { return extents_[i]; }
  const std::int64_t* begin() const noexcept { return extents_.data(); }
  const std::int64_t* end() const noexcept { return extents_.data() + rank_; }
  std::int64_t elements() const noexcept;                // product of the extents, at most INT64_MAX; 1 for a scalar
  Shape without_first() const noexcept;                  // of one row. REQUIRES: rank() > 0
  Shape with_first(std::int64_t extent) const noexcept;  // of `extent` such rows
  bool operator==(const Shape& other) const noexcept;

 private:
  std::array<std::int64_t, max_rank> extents_{};
  std::size_t rank_ = 0;
};
std::string name(const Shape& shape);  // "[1, 64]"

// A strided view of elements of one type, in the shape of DLPack, that keeps the memory's owner alive.
//
//   float pixels[64] = …;
//   auto borrowed = Tensor::view(pixels, DType::float32, {64});        // not owned: must outlive every copy
//   auto owned    = Tensor::zeros(DType::float32, {1, 64});            // freed with the last copy
//
// Copies share memory; they cost one reference count. Reading from several threads is safe, writing is the user's to
// order. Strides count elements, not bytes.
class Tensor {
 public:
  Tensor() = default;
  // Row-major memory of its own on the CPU, aligned to 64 bytes.
  static Tensor zeros(DType dtype, const Shape& shape);
  // Memory of somebody else's, row-major, without an owner or with one that the tensor keeps.
  static Tensor view(void* data, DType dtype, const Shape& shape, std::shared_ptr<void> owner = nullptr);
  static Tensor strided(void* data, DType dtype, const Shape& shape, const Shape& strides, Device device,
                        std::shared_ptr<void> owner);

  DType dtype() const noexcept { return dtype_; }
  Device device() const noexcept { return device_; }
  const Shape& shape() const noexcept { return shape_; }
  const Shape& strides() const noexcept { return strides_; }
  void* data() const noexcept { return data_; }
  const std::shared_ptr<void>& owner() const noexcept { return owner_; }
  bool empty() const noexcept { return data_ == nullptr; }  // no memory: default-made, or a view of nothing
  bool contiguous() const noexcept;                         // row-major without gaps

  // The i-th row: one dimension less, the same memory. REQUIRES: shape().rank() > 0 and 0 <= i < shape()[0].
  Tensor row(std::int64_t i) const;
  // The same elements as [1, ...]: a batch of one. REQUIRES: rank < Shape::max_rank.
  Tensor as_batch_of_one() const;
  // From now on it is the same view of other memory of its owner's: for who goes through rows, and makes one view only.
  void point_at(void* data) noexcept { data_ = data; }
  // A row-major copy on the CPU. REQUIRES: device() is the CPU.
  Tensor contiguous_copy() const;

  // The elements of a contiguous CPU tensor of that type. REQUIRES: T matches dtype(), contiguous().
  template <class T>
  std::span<T> as() const noexcept {
    return {static_cast<T*>(data_), data_ ? static_cast<std::size_t>(shape_.elements()) : 0};
  }

 private:
  void* data_ = nullptr;
  Shape shape_, strides_;
  std::shared_ptr<void> owner_;
  DType dtype_ = DType::float32;
  Device device_;
};

// Equal type, shape and elements, bit for bit; strides may differ. REQUIRES: both on the CPU.
bool operator==(const Tensor& a, const Tensor& b);

// The DType of a C++ arithmetic type.
template <class T>
struct dtype_for;
template <>
struct dtype_for<float> {
  static constexpr DType value = DType::float32;
};
template <>
struct dtype_for<double> {
  static constexpr DType value = DType::float64;
};
template <>
struct dtype_for<std::int8_t> {
  static constexpr DType value = DType::int8;
};
template <>
struct dtype_for<std::int16_t> {
  static constexpr DType value = DType::int16;
};
template <>
struct dtype_for<std::int32_t> {
  static constexpr DType value = DType::int32;
};
template <>
struct dtype_for<std::int64_t> {
  static constexpr DType value = DType::int64;
};
template <>
struct dtype_for<std::uint8_t> {
  static constexpr DType value = DType::uint8;
};
template <>
struct dtype_for<bool> {
  static constexpr DType value = DType::boolean;
};

}  // namespace tailrace
