#pragma once
#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <vector>

#include "tailrace/core/tensor.h"

namespace tailrace {

// How a value becomes one row of a batch, and a row a value again. Specialise it for your own types:
//
//   template <> struct tr::row_traits<Pixels> {
//     static tr::DType dtype(const Pixels&) { return tr::DType::float32; }
//     static tr::Shape shape(const Pixels&) { return {1, 8, 8}; }           // of one row, without the batch
//     static tr::Tensor borrow(const Pixels& p);                              // optional: a view instead of a copy
//     // REQUIRES: row has that dtype and as many elements, is contiguous and on the CPU.
//     static void write_row(const Pixels& p, const tr::Tensor& row);
//     static tr::Result<Pixels> read_row(const tr::Tensor& row);              // any dtype and shape: check them
//   };
//
// Given here for arithmetic types, arrays and vectors of them (arrays may nest), spans (as inputs), and Tensor.
template <class T>
struct row_traits;

namespace detail {
Error row_mismatch(const Tensor& got, DType dtype, const Shape& shape);

// Whether a row's elements can be read as `shape` in row-major order: same type, on the CPU, and same extents but for
// those of 1; a row may also be flattened to one dimension, or one dimension folded.
bool row_fits(const Tensor& row, DType dtype, const Shape& shape) noexcept;
// Writes the row's elements in row-major order. REQUIRES: on the CPU; `to` has room.
void copy_row(const Tensor& row, void* to);
// Writes `bytes` bytes to a contiguous row.
void fill_row(const Tensor& row, const void* from, std::size_t bytes) noexcept;

template <class T>
concept element = requires {
  dtype_for<T>::value;
};

template <class T>
struct element_of {
  using type = T;
  static constexpr bool dense = element<T>;
  static void extend(Shape&) {}
};
template <class T, std::size_t N>
struct element_of<std::array<T, N>> {
  using type = typename element_of<T>::type;
  static constexpr bool dense = element_of<T>::dense;
  static void extend(Shape& s) { s.push_back(static_cast<std::int64_t>(N)), element_of<T>::extend(s); }
};
template <class T>
Shape dense_shape() {
  Shape s;
  element_of<T>::extend(s);
  return s;
}
}  // namespace detail

// Arithmetic types and (nested) arrays of them: fixed shape, rows borrowed in place.
template <class T>
requires detail::element_of<T>::dense struct row_traits<T> {
  using element = typename detail::element_of<T>::type;
  static DType dtype(const T&) { return dtype_for<element>::value; }
  static Shape shape(const T&) { return detail::dense_shape<T>(); }
  static Tensor borrow(const T& v) { return Tensor::view(const_cast<T*>(&v), dtype(v), shape(v)); }
  static void write_row(const T& v, const Tensor& row) { detail::fill_row(row, &v, bytes(v)); }
  static Result<T> read_row(const Tensor& row) {
    T v{};
    if (!detail::row_fits(row, dtype(v), shape(v))) return detail::row_mismatch(row, dtype(v), shape(v));
    detail::copy_row(row, &v);
    return v;
  }

 private:
  static std::size_t bytes(const T& v) { return static_cast<std::size_t>(shape(v).elements()) * sizeof(element); }
};

// Vectors: one dimension, as long as the value; a row of any shape is read flattened.
template <class T>
requires(detail::element<T> && !std::same_as<T, bool>) struct row_traits<std::vector<T>> {
  static DType dtype(const std::vector<T>&) { return dtype_for<T>::value; }
  static Shape shape(const std::vector<T>& v) { return {static_cast<std::int64_t>(v.size())}; }
  static Tensor borrow(const std::vector<T>& v) { return Tensor::view(const_cast<T*>(v.data()), dtype(v), shape(v)); }
  static void write_row(const std::vector<T>& v, const Tensor& row) {
    detail::fill_row(row, v.data(), v.size() * sizeof(T));
  }
  static Result<std::vector<T>> read_row(const Tensor& row) {
    const Shape flat = {row.shape().elements()};
    if (!detail::row_fits(row, dtype_for<T>::value, flat)) return detail::row_mismatch(row, dtype_for<T>::value, flat);
    std::vector<T> v(static_cast<std::size_t>(flat[0]));
    detail::copy_row(row, v.data());
    return v;
  }
};

// Spans: inputs only, since nobody would own what is read back.
template <detail::element T>
struct row_traits<std::span<const T>> {
  static DType dtype(std::span<const T>) { return dtype_for<T>::value; }
  static Shape shape(std::span<const T> v) { return {static_cast<std::int64_t>(v.size())}; }
  static Tensor borrow(std::span<const T> v) { return Tensor::view(const_cast<T*>(v.data()), dtype(v), shape(v)); }
  static void write_row(std::span<const T> v, const Tensor& row) { detail::fill_row(row, v.data(), v.size_bytes()); }
};

// Tensors travel as they are.
template <>
struct row_traits<Tensor> {
  static DType dtype(const Tensor& t) { return t.dtype(); }
  static Shape shape(const Tensor& t) { return t.shape(); }
  static Tensor borrow(const Tensor& t) { return t; }
  static void write_row(const Tensor& t, const Tensor& row);
  static Result<Tensor> read_row(const Tensor& row) { return row; }
};

template <class T>
concept row_writable = requires(const T& v, const Tensor& row) {
  { row_traits<T>::dtype(v) } -> std::same_as<DType>;
  { row_traits<T>::shape(v) } -> std::same_as<Shape>;
  row_traits<T>::write_row(v, row);
};
template <class T>
concept row_readable = requires(const Tensor& row) {
  { row_traits<T>::read_row(row) } -> std::same_as<Result<T>>;
};

}  // namespace tailrace
