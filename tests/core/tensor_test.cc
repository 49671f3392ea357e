#include "tailrace/core/tensor.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <numeric>
#include <vector>

namespace tailrace {
namespace {

constexpr DType all_dtypes[] = {DType::float32, DType::float64, DType::float16, DType::bfloat16, DType::int8,
                                DType::int16,   DType::int32,   DType::int64,   DType::uint8,    DType::boolean};

// 0, 1, 2, … in row-major order, in memory of its own.
Tensor counting(const Shape& shape) {
  Tensor t = Tensor::zeros(DType::int32, shape);
  const auto elements = t.as<std::int32_t>();
  std::iota(elements.begin(), elements.end(), 0);
  return t;
}

Tensor transposed(const Tensor& t) {
  const Shape shape = {t.shape()[1], t.shape()[0]}, strides = {t.strides()[1], t.strides()[0]};
  return Tensor::strided(t.data(), t.dtype(), shape, strides, t.device(), t.owner());
}

std::vector<std::int32_t> elements(const Tensor& t) {
  const Tensor flat = t.contiguous_copy();
  const auto all = flat.as<std::int32_t>();
  return {all.begin(), all.end()};
}

TEST_CASE("element types have sizes and names") {
  std::size_t bytes = 0;
  for (DType dtype : all_dtypes) {
    bytes += size_of(dtype);
    CHECK(name(dtype) != "unknown");
  }
  CHECK(bytes == 4 + 8 + 2 + 2 + 1 + 2 + 4 + 8 + 1 + 1);
  CHECK(size_of(dtype_for<double>::value) == sizeof(double));
  CHECK(size_of(dtype_for<std::int16_t>::value) == 2);
  CHECK(name(DType::bfloat16) == "bfloat16");
}

TEST_CASE("devices have names") {
  CHECK(name(Device{}) == "cpu");
  CHECK(name(Device{Device::Kind::cuda, 1}) == "cuda:1");
}

TEST_CASE("shapes count elements and gain and lose a first dimension") {
  const Shape shape = {2, 3, 4};
  CHECK(shape.elements() == 24);
  CHECK(Shape{}.elements() == 1);
  CHECK(Shape{5, 0, 7}.elements() == 0);
  CHECK(shape.without_first() == Shape{3, 4});
  CHECK(shape.with_first(7) == Shape{7, 2, 3, 4});
  CHECK(Shape{}.with_first(2) == Shape{2});
  CHECK_FALSE(Shape{2} == Shape{2, 1});
  CHECK_FALSE(Shape{2, 3} == Shape{3, 2});
  CHECK(name(shape) == "[2, 3, 4]");
  CHECK(name(Shape{}) == "[]");
}

TEST_CASE("a shape keeps eight extents at most") {
  CHECK(Shape{1, 2, 3, 4, 5, 6, 7, 8, 9} == Shape{1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("absurd shapes count no further than they can, and have no memory") {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  CHECK(Shape{most, most}.elements() == most);
  CHECK(Shape{most, 0, most}.elements() == 0);
  CHECK(Shape{-1, -1}.elements() == 0);
  CHECK_THROWS_AS(Tensor::zeros(DType::float32, {most}), std::bad_alloc);
  CHECK(Tensor::zeros(DType::float32, {most, 0, most}).contiguous());
}

TEST_CASE("zeros are zero, aligned and row-major") {
  for (DType dtype : all_dtypes) {
    const Tensor t = Tensor::zeros(dtype, {3, 5});
    CHECK(t.dtype() == dtype);
    CHECK(t.strides() == Shape{5, 1});
    CHECK(t.contiguous());
    CHECK(reinterpret_cast<std::uintptr_t>(t.data()) % 64 == 0);
    const auto* bytes = static_cast<const char*>(t.data());
    CHECK(std::all_of(bytes, bytes + 15 * size_of(dtype), [](char c) { return c == 0; }));
  }
}

TEST_CASE("tensors without elements are harmless") {
  const Tensor none = Tensor::zeros(DType::float32, {0, 4});
  CHECK_FALSE(none.empty());
  CHECK(none.as<float>().empty());
  CHECK(none.contiguous());
  CHECK(none.contiguous_copy() == none);
  CHECK(none == Tensor::view(nullptr, DType::float32, {0, 4}));
  CHECK_FALSE(none == Tensor::zeros(DType::float32, {4, 0}));
}

TEST_CASE("a tensor made by default has no memory") {
  const Tensor nothing;
  CHECK(nothing.empty());
  CHECK(nothing.as<float>().empty());
  CHECK(nothing.contiguous_copy().empty());
  CHECK(nothing == Tensor());
  CHECK_FALSE(nothing == Tensor::zeros(DType::float32, {}));
}

TEST_CASE("a view shares memory and copies share the view") {
  float pixels[] = {1, 2, 3, 4};
  const Tensor view = Tensor::view(pixels, DType::float32, {2, 2});
  const Tensor copy = view;
  copy.as<float>()[3] = 9;
  CHECK(pixels[3] == 9);
  CHECK(view.data() == pixels);
  CHECK(view.owner() == nullptr);
}

TEST_CASE("rows are views of one dimension less") {
  const Tensor t = counting({2, 3, 4});
  const Tensor row = t.row(1);
  CHECK(row.shape() == Shape{3, 4});
  CHECK(row.as<std::int32_t>()[0] == 12);
  CHECK(row.row(2).row(3).as<std::int32_t>()[0] == 23);
  CHECK(row.row(2).row(3).shape() == Shape{});
}

TEST_CASE("a view can be pointed at another row") {
  Tensor t = Tensor::zeros(DType::float32, {2, 3});
  t.as<float>()[3] = 7;
  Tensor row = t.row(0);
  row.point_at(t.row(1).data());
  CHECK(row == t.row(1));
  CHECK(row.owner() == t.owner());
}

TEST_CASE("a batch of one has the same elements and a dimension more") {
  const Tensor t = counting({3, 4}), batch = t.as_batch_of_one();
  CHECK(batch.shape() == Shape{1, 3, 4});
  CHECK(batch.strides() == Shape{12, 4, 1});
  CHECK(batch.contiguous());
  CHECK(batch.row(0) == t);
  CHECK(Tensor::zeros(DType::float32, {}).as_batch_of_one().shape() == Shape{1});
  CHECK_FALSE(transposed(t).as_batch_of_one().contiguous());
  CHECK(transposed(t).as_batch_of_one().row(0) == transposed(t));
}

TEST_CASE("a transposed tensor is gathered into row-major order") {
  const Tensor t = transposed(counting({2, 3}));
  CHECK_FALSE(t.contiguous());
  CHECK(t.shape() == Shape{3, 2});
  CHECK(elements(t) == std::vector<std::int32_t>{0, 3, 1, 4, 2, 5});
  CHECK(t.contiguous_copy().contiguous());
  CHECK(elements(t.row(1)) == std::vector<std::int32_t>{1, 4});
}

TEST_CASE("strides may repeat, skip and go backwards") {
  std::int32_t memory[] = {0, 1, 2, 3, 4, 5};
  const auto strided = [&](std::int32_t* from, Shape shape, Shape strides) {
    return elements(Tensor::strided(from, DType::int32, shape, strides, {}, nullptr));
  };
  CHECK(strided(memory, {2, 3}, {0, 1}) == std::vector<std::int32_t>{0, 1, 2, 0, 1, 2});
  CHECK(strided(memory, {3}, {2}) == std::vector<std::int32_t>{0, 2, 4});
  CHECK(strided(memory + 5, {6}, {-1}) == std::vector<std::int32_t>{5, 4, 3, 2, 1, 0});
}

TEST_CASE("strides of dimensions of one do not matter") {
  std::int32_t memory[] = {0, 1, 2};
  CHECK(Tensor::strided(memory, DType::int32, {1, 3, 1}, {77, 1, 55}, {}, nullptr).contiguous());
  CHECK_FALSE(Tensor::strided(memory, DType::int32, {3, 1}, {2, 1}, {}, nullptr).contiguous());
}

TEST_CASE("a copy shares nothing with its original") {
  const Tensor t = counting({4}), copy = t.contiguous_copy();
  copy.as<std::int32_t>()[0] = 9;
  CHECK(t.as<std::int32_t>()[0] == 0);
}

TEST_CASE("tensors are equal by type, shape and elements, whatever their strides") {
  const Tensor t = counting({2, 3});
  CHECK(t == counting({2, 3}));
  CHECK_FALSE(t == counting({3, 2}));
  CHECK(transposed(t) == transposed(t).contiguous_copy());
  CHECK_FALSE(t == Tensor::zeros(DType::int32, {2, 3}));
  CHECK_FALSE(Tensor::zeros(DType::int32, {2}) == Tensor::zeros(DType::float32, {2}));
}

TEST_CASE("the owner is freed with the last copy, row or batch") {
  auto owner = std::make_shared<std::vector<float>>(6);
  const std::weak_ptr<void> watch = owner;
  Tensor t = Tensor::view(owner->data(), DType::float32, {2, 3}, owner);
  owner.reset();
  Tensor row = t.row(0), batch = t.as_batch_of_one(), flat = t.contiguous_copy();
  t = Tensor();
  CHECK_FALSE(watch.expired());
  row = Tensor();
  CHECK_FALSE(watch.expired());
  batch = Tensor();
  CHECK(watch.expired());
  CHECK(flat.as<float>().size() == 6);
}

}  // namespace
}  // namespace tailrace
