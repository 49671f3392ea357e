#include "tailrace/stages/stack.h"

#include <cstring>

namespace tailrace::stages {

namespace {

std::string in_words(const Tensor& t) { return std::string(name(t.dtype())) + " " + name(t.shape()); }

}  // namespace

Result<Tensor> stack(const std::vector<Tensor>& rows) {
  if (rows.empty()) return Error(Code::shape_mismatch, "stack", "got no tensors");
  const Tensor& first = rows.front();
  if (first.shape().rank() == Shape::max_rank)
    return Error(Code::shape_mismatch, "stack", "has no room for a dimension in front of " + in_words(first));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].device().kind != Device::Kind::cpu)
      return Error(Code::unsupported, "stack", "takes tensors on the CPU, got one on " + name(rows[i].device()));
    if (rows[i].dtype() != first.dtype() || rows[i].shape() != first.shape())
      return Error(Code::shape_mismatch, "stack",
                   "tensor " + std::to_string(i) + " is " + in_words(rows[i]) + ", the first one " + in_words(first));
    if (rows[i].empty() && rows[i].shape().elements() != 0)
      return Error(Code::bad_value, "stack", "tensor " + std::to_string(i) + " is without data");
  }
  const Tensor stacked = Tensor::zeros(first.dtype(), first.shape().with_first(static_cast<std::int64_t>(rows.size())));
  const std::size_t bytes = static_cast<std::size_t>(first.shape().elements()) * size_of(first.dtype());
  auto* out = static_cast<char*>(stacked.data());
  for (const Tensor& row : rows) {
    const Tensor flat = row.contiguous() ? row : row.contiguous_copy();
    if (bytes != 0) std::memcpy(out, flat.data(), bytes);
    out += bytes;
  }
  return stacked;
}

}  // namespace tailrace::stages
