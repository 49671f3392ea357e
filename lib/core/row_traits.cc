#include "tailrace/core/row_traits.h"

#include <algorithm>
#include <cstring>

namespace tailrace {

namespace {

// The extents without those of 1.
Shape squeezed(const Shape& shape) {
  Shape rest;
  for (auto extent : shape)
    if (extent != 1) rest.push_back(extent);
  return rest;
}

std::string described(DType dtype, const Shape& shape) { return std::string(name(dtype)) + name(shape); }

}  // namespace

namespace detail {

Error row_mismatch(const Tensor& got, DType dtype, const Shape& shape) {
  std::string what = "expected a row " + described(dtype, shape) + ", got ";
  const bool missing = got.empty() && got.shape().elements() != 0;
  what += missing ? "none" : described(got.dtype(), got.shape());
  if (got.device() != Device{}) what += " on " + name(got.device());
  return {Code::shape_mismatch, what};
}

bool row_fits(const Tensor& row, DType dtype, const Shape& shape) noexcept {
  if (row.dtype() != dtype || row.device() != Device{}) return false;
  if (row.empty() && shape.elements() != 0) return false;
  if (row.shape() == shape) return true;
  if (row.shape().elements() != shape.elements()) return false;
  const Shape got = squeezed(row.shape()), want = squeezed(shape);
  return got.rank() <= 1 || want.rank() <= 1 || got == want;
}

void copy_row(const Tensor& row, void* to) {
  if (!row.contiguous()) return copy_row(row.contiguous_copy(), to);
  const auto bytes = static_cast<std::size_t>(row.shape().elements()) * size_of(row.dtype());
  if (bytes == 0) return;
  // A bool that is neither 0 nor 1 would be undefined behaviour later on.
  if (row.dtype() == DType::boolean)
    std::transform(row.as<std::uint8_t>().begin(), row.as<std::uint8_t>().end(), static_cast<bool*>(to),
                   [](std::uint8_t byte) { return byte != 0; });
  else std::memcpy(to, row.data(), bytes);
}

void fill_row(const Tensor& row, const void* from, std::size_t bytes) noexcept {
  if (bytes > 0) std::memcpy(row.data(), from, bytes);
}

}  // namespace detail

void row_traits<Tensor>::write_row(const Tensor& t, const Tensor& row) { detail::copy_row(t, row.data()); }

}  // namespace tailrace
