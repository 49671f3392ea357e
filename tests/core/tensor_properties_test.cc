#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <rapidcheck.h>
#include <vector>

#include "tailrace/core/row_traits.h"

namespace tailrace {
namespace {

// A tensor of up to four small dimensions, which may be empty, in permuted order of memory.
Tensor any_tensor() {
  const auto rank = *rc::gen::inRange<std::size_t>(0, 5);
  std::vector<std::int64_t> extents, strides(rank);
  for (std::size_t i = 0; i < rank; ++i) extents.push_back(*rc::gen::inRange<std::int64_t>(0, 5));
  std::vector<std::size_t> order(rank);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = rank; i > 1; --i) std::swap(order[i - 1], order[*rc::gen::inRange<std::size_t>(0, i)]);
  std::int64_t stride = 1 + *rc::gen::inRange(0, 2);
  for (auto i : order) strides[i] = std::exchange(stride, stride * std::max<std::int64_t>(extents[i], 1));
  auto memory = std::make_shared<std::vector<std::int64_t>>(static_cast<std::size_t>(stride));
  std::iota(memory->begin(), memory->end(), 0);
  return Tensor::strided(memory->data(), DType::int64, Shape(std::span<const std::int64_t>(extents)),
                         Shape(std::span<const std::int64_t>(strides)), {}, memory);
}

// The element with that number in row-major order, found by walking down the rows.
std::int64_t element(Tensor t, std::int64_t number) {
  while (t.shape().rank() > 0) {
    const std::int64_t below = t.shape().without_first().elements();
    t = t.row(number / below);
    number %= below;
  }
  return *static_cast<const std::int64_t*>(t.data());
}

TEST_CASE("a copy has every element in its place") {
  CHECK(rc::check([] {
    const Tensor t = any_tensor(), copy = t.contiguous_copy();
    RC_ASSERT(copy.contiguous());
    RC_ASSERT(copy == t);
    const auto flat = copy.as<std::int64_t>();
    for (std::size_t i = 0; i < flat.size(); ++i) RC_ASSERT(flat[i] == element(t, static_cast<std::int64_t>(i)));
  }));
}

TEST_CASE("a batch of one holds the tensor") {
  CHECK(rc::check([] {
    const Tensor t = any_tensor();
    RC_ASSERT(t.as_batch_of_one().row(0) == t);
    RC_ASSERT(t.as_batch_of_one().contiguous() == t.contiguous());
  }));
}

TEST_CASE("vectors and tensors survive rows of a batch") {
  CHECK(rc::check([](const std::vector<std::int64_t>& value) {
    using traits = row_traits<std::vector<std::int64_t>>;
    const Tensor row = Tensor::zeros(traits::dtype(value), traits::shape(value).with_first(2)).row(1);
    traits::write_row(value, row);
    RC_ASSERT(*traits::read_row(row) == value);
    RC_ASSERT(*traits::read_row(traits::borrow(value)) == value);
  }));
  CHECK(rc::check([] {
    const Tensor t = any_tensor(), row = Tensor::zeros(t.dtype(), t.shape().with_first(3)).row(2);
    row_traits<Tensor>::write_row(t, row);
    RC_ASSERT(row == t);
  }));
}

}  // namespace
}  // namespace tailrace
