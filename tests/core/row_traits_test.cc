#include "tailrace/core/row_traits.h"

#include <catch2/catch.hpp>

namespace tailrace {
namespace {

using Matrix = std::array<std::array<float, 3>, 2>;

template <class T>
Tensor written(const T& value) {
  // The second of three rows, so that a write outside it would show.
  using traits = row_traits<T>;
  const Tensor batch = Tensor::zeros(traits::dtype(value), traits::shape(value).with_first(3));
  traits::write_row(value, batch.row(1));
  const Tensor untouched = Tensor::zeros(traits::dtype(value), traits::shape(value));
  CHECK(batch.row(0) == untouched);
  CHECK(batch.row(2) == untouched);
  return batch.row(1);
}

template <class T>
void check_round_trip(const T& value) {
  CHECK(*row_traits<T>::read_row(written(value)) == value);
  CHECK(*row_traits<T>::read_row(row_traits<T>::borrow(value)) == value);
}

template <class T>
std::string mismatch(const Tensor& row) {
  const auto read = row_traits<T>::read_row(row);
  REQUIRE_FALSE(read);
  CHECK(read.error().code() == Code::shape_mismatch);
  return std::string(read.error().what());
}

TEST_CASE("values come back from rows as they were written") {
  check_round_trip(1.5f);
  check_round_trip(std::int64_t{-7});
  check_round_trip(true);
  check_round_trip(Matrix{{{1, 2, 3}, {4, 5, 6}}});
  check_round_trip(std::array<bool, 3>{true, false, true});
  check_round_trip(std::array<double, 0>{});
  check_round_trip(std::vector<std::int64_t>{1, -2, 3});
  check_round_trip(std::vector<float>{});
}

TEST_CASE("rows have the value's type and shape") {
  CHECK(row_traits<float>::shape(1) == Shape{});
  CHECK(row_traits<bool>::dtype(true) == DType::boolean);
  CHECK(row_traits<Matrix>::dtype({}) == DType::float32);
  CHECK(row_traits<Matrix>::shape({}) == Shape{2, 3});
  CHECK(row_traits<std::vector<std::int64_t>>::shape({1, 2}) == Shape{2});
  CHECK(row_traits<std::vector<std::int64_t>>::dtype({}) == DType::int64);
}

TEST_CASE("what can be a row is known when compiling") {
  CHECK(row_writable<Matrix>);
  CHECK(row_readable<Matrix>);
  CHECK(row_writable<std::span<const float>>);
  CHECK_FALSE(row_readable<std::span<const float>>);
  CHECK_FALSE(row_writable<std::string>);
  CHECK_FALSE(row_writable<long double>);
  CHECK_FALSE(row_writable<std::array<std::string, 2>>);
  CHECK_FALSE(row_writable<std::vector<bool>>);
  CHECK(row_readable<Tensor>);
}

TEST_CASE("borrowed rows are the value's own memory") {
  const Matrix matrix = {{{1, 2, 3}, {4, 5, 6}}};
  CHECK(row_traits<Matrix>::borrow(matrix).data() == &matrix);
  const std::vector<float> vector = {1, 2};
  CHECK(row_traits<std::vector<float>>::borrow(vector).data() == vector.data());
  CHECK(row_traits<std::span<const float>>::borrow(vector).as<float>()[1] == 2);
}

TEST_CASE("spans are written as vectors are") {
  const std::vector<float> values = {1, 2, 3};
  const std::span<const float> span = values;
  CHECK(written(span) == written(values));
  CHECK(row_traits<std::span<const float>>::shape(span) == Shape{3});
}

TEST_CASE("rows of another shape are refused with both named") {
  CHECK(mismatch<Matrix>(Tensor::zeros(DType::float32, {3, 3})) == "expected a row float32[2, 3], got float32[3, 3]");
  CHECK(mismatch<float>(Tensor::zeros(DType::float32, {2})) == "expected a row float32[], got float32[2]");
}

TEST_CASE("rows of another element type are refused with both named") {
  CHECK(mismatch<float>(Tensor::zeros(DType::int32, {})) == "expected a row float32[], got int32[]");
  CHECK(mismatch<std::vector<std::int64_t>>(Tensor::zeros(DType::float64, {2, 3})) ==
        "expected a row int64[6], got float64[2, 3]");
}

TEST_CASE("a transposed shape is not read as if it were straight") {
  CHECK(mismatch<Matrix>(Tensor::zeros(DType::float32, {3, 2})) == "expected a row float32[2, 3], got float32[3, 2]");
}

TEST_CASE("rows without memory, or on another device, are refused") {
  CHECK(mismatch<float>(Tensor()) == "expected a row float32[], got none");
  float far = 1;
  const Tensor on_device = Tensor::strided(&far, DType::float32, {}, {}, {Device::Kind::cuda, 1}, nullptr);
  CHECK(mismatch<float>(on_device) == "expected a row float32[], got float32[] on cuda:1");
  CHECK(mismatch<std::vector<float>>(on_device) == "expected a row float32[1], got float32[] on cuda:1");
}

TEST_CASE("extents of one do not matter, and rows may be flat") {
  std::array<float, 6> six = {1, 2, 3, 4, 5, 6};
  const Matrix matrix = {{{1, 2, 3}, {4, 5, 6}}};
  for (Shape shape : {Shape{2, 3}, Shape{1, 2, 1, 3}, Shape{6}}) {
    const Tensor row = Tensor::view(six.data(), DType::float32, shape);
    CHECK(*row_traits<Matrix>::read_row(row) == matrix);
    CHECK(*row_traits<std::array<float, 6>>::read_row(row) == six);
    CHECK(row_traits<std::vector<float>>::read_row(row)->size() == 6);
  }
  CHECK(*row_traits<float>::read_row(Tensor::view(six.data(), DType::float32, {1, 1})) == 1);
}

TEST_CASE("strided rows are gathered") {
  std::array<float, 6> columns = {1, 4, 2, 5, 3, 6};
  const Tensor row = Tensor::strided(columns.data(), DType::float32, {2, 3}, {1, 2}, {}, nullptr);
  CHECK(*row_traits<Matrix>::read_row(row) == Matrix{{{1, 2, 3}, {4, 5, 6}}});
  CHECK(*row_traits<std::vector<float>>::read_row(row) == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(written(row) == row);
}

TEST_CASE("any byte but zero is a true") {
  std::uint8_t bytes[] = {0, 1, 2, 255};
  const Tensor row = Tensor::view(bytes, DType::boolean, {4});
  const auto read = row_traits<std::array<bool, 4>>::read_row(row);
  CHECK(*read == std::array<bool, 4>{false, true, true, true});
}

TEST_CASE("tensors travel as they are") {
  const Tensor t = Tensor::zeros(DType::float16, {2, 2});
  CHECK(row_traits<Tensor>::borrow(t).data() == t.data());
  CHECK(row_traits<Tensor>::read_row(t)->data() == t.data());
  CHECK(written(t) == t);
}

}  // namespace
}  // namespace tailrace
