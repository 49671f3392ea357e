#include "tailrace/stages/stages.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/plan/json.h"
#include "tailrace/stages/arg_max.h"
#include "tailrace/stages/margin.h"
#include "tailrace/stages/scale.h"
#include "tailrace/stages/softmax.h"

namespace tr = tailrace;

namespace {

template <class T>
tr::Tensor tensor(std::vector<T> values, tr::Shape shape) {
  tr::Tensor t = tr::Tensor::zeros(tr::dtype_for<T>::value, shape);
  std::copy(values.begin(), values.end(), t.as<T>().begin());
  return t;
}
template <class T>
tr::Tensor row(std::vector<T> values) {
  return tensor(values, {static_cast<std::int64_t>(values.size())});
}
constexpr float infinity = std::numeric_limits<float>::infinity(), not_number = std::numeric_limits<float>::quiet_NaN();

tr::Tensor transposed(const tr::Tensor& t) {
  return tr::Tensor::strided(t.data(), t.dtype(), {t.shape()[1], t.shape()[0]}, {1, t.shape()[1]}, {}, t.owner());
}

std::string error_of(const auto& result) {
  return result ? "no error" : std::string(result.error().where()) + ": " + std::string(result.error().what());
}

}  // namespace

TEST_CASE("scale multiplies and adds, and leaves its input alone") {
  const auto in = tensor<float>({0, 8, 16, 4}, {2, 2});
  CHECK(*tr::stages::Scale{0.0625, -1}(in) == tensor<float>({-1, -0.5, 0, -0.75}, {2, 2}));
  CHECK(in == tensor<float>({0, 8, 16, 4}, {2, 2}));
  CHECK(*tr::stages::Scale{2, 0}(row<double>({1, 2})) == row<double>({2, 4}));
  CHECK(*tr::stages::Scale{1, 1}(transposed(in)) == tensor<float>({1, 17, 9, 5}, {2, 2}));
  CHECK(*tr::stages::Scale{}(tensor<float>({}, {0, 3})) == tensor<float>({}, {0, 3}));
}

TEST_CASE("softmax: probabilities along the last dimension, stable for large scores") {
  const auto p = *tr::stages::softmax(tensor<double>({0, std::log(3.0), 5, 5}, {2, 2}));
  CHECK(p.as<double>()[0] == Approx(0.25));
  CHECK(p.as<double>()[1] == Approx(0.75));
  CHECK(p.as<double>()[2] == Approx(0.5));
  const auto large = *tr::stages::softmax(row<float>({1e30F, 1e30F, -1e30F}));
  CHECK(large.as<float>()[0] == 0.5F);
  CHECK(large.as<float>()[2] == 0);
  std::vector<float> equal(100000, 3.F);
  double sum = 0;
  const auto many = *tr::stages::softmax(row(equal));
  for (float x : many.as<float>()) sum += x;
  CHECK(sum == Approx(1).epsilon(1e-6));
  CHECK(tr::stages::softmax(tensor<float>({2}, {}))->as<float>()[0] == 1);
  CHECK(tr::stages::softmax(tensor<float>({}, {3, 0}))->shape().elements() == 0);
  CHECK(error_of(tr::stages::softmax(row<float>({0, not_number}))) == "softmax: a score is infinite or not a number");
  CHECK(error_of(tr::stages::softmax(row<float>({infinity, 0}))) == "softmax: a score is infinite or not a number");
}

TEST_CASE("arg_max: the first of the largest, in row-major order") {
  CHECK(*tr::stages::arg_max(row<float>({1, 5, 5, 2})) == 1);
  CHECK(*tr::stages::arg_max(tensor<double>({1, 2, 3, 0}, {2, 2})) == 2);
  CHECK(*tr::stages::arg_max(transposed(tensor<double>({1, 2, 3, 0}, {2, 2}))) == 1);
  CHECK(*tr::stages::arg_max(row<float>({-infinity})) == 0);
  CHECK(error_of(tr::stages::arg_max(row<float>({}))) == "arg_max: got a tensor without elements");
  CHECK(error_of(tr::stages::arg_max(row<float>({0, not_number, 1}))) == "arg_max: an element is not a number");
}

TEST_CASE("other dtypes, devices and empty tensors are errors that name them") {
  CHECK(error_of(tr::stages::arg_max(row<std::int64_t>({1}))) == "arg_max: takes float32 or float64, got int64");
  CHECK(error_of(tr::stages::softmax(row<std::uint8_t>({1}))) == "softmax: takes float32 or float64, got uint8");
  CHECK(error_of(tr::stages::Scale{}(row<std::int32_t>({1}))) == "scale: takes float32 or float64, got int32");
  float memory[2] = {};
  const auto far = tr::Tensor::strided(memory, tr::DType::float32, {2}, {1}, {tr::Device::Kind::cuda, 1}, nullptr);
  CHECK(error_of(tr::stages::arg_max(far)) == "arg_max: takes tensors on the CPU, got one on cuda:1");
  CHECK(error_of(tr::stages::Scale{}(tr::Tensor())) == "scale: got a tensor without data");
}

TEST_CASE("margin: the gap between the two largest probabilities") {
  const auto scores = row<float>({0, std::log(6.F), std::log(3.F)});
  CHECK(*tr::stages::margin(scores) == Approx(0.3));
  CHECK(*tr::stages::margin(row<double>({0.7, 0.1, 0.2}), tr::stages::MarginOf::values) == Approx(0.5));
  CHECK(*tr::stages::margin(row<double>({3, 3})) == 0);
  CHECK(*tr::stages::margin(row<double>({1e300, -1e300})) == 1);
  const auto p = *tr::stages::softmax(row<double>({1.5, -2, 0.3, 1.1}));
  CHECK(*tr::stages::margin(row<double>({1.5, -2, 0.3, 1.1})) == Approx(p.as<double>()[0] - p.as<double>()[3]));
  CHECK(error_of(tr::stages::margin(row<double>({3}))) == "margin: needs two elements or more, got 1");
  CHECK(error_of(tr::stages::margin(row<float>({3, not_number}))) == "margin: an element is infinite or not a number");

  CHECK(tr::stages::Margin{0.29}(scores));
  CHECK_FALSE(tr::stages::Margin{0.31}(scores));
  CHECK_FALSE(tr::stages::Margin{0}(row<float>({0, not_number})));
  CHECK_FALSE(tr::stages::Margin{0}(row<std::int64_t>({1, 2})));
  CHECK(tr::stages::Margin{0.5, tr::stages::MarginOf::values}(row<float>({0.75F, 0.25F})));
}

TEST_CASE("add_stages: the same flow in C++ and as JSON") {
  tr::Catalog catalog;
  tr::add_stages(catalog);
  catalog.default_model<tr::Tensor, tr::Tensor>();
  CHECK(catalog.problems().empty());
  const auto text = catalog.describe();
  for (const char* line :
       {"arg_max: Tensor -> long\n", "crop(height, width): Tensor -> Tensor\n",
        "normalise(mean?, means?, deviation?, deviations?): Tensor -> Tensor\n",
        "resize(shorter?, height?, width?, filter?): Tensor -> Tensor\n", "scale(by?, offset?): Tensor -> Tensor\n",
        "softmax: Tensor -> Tensor\n", "stack: std::vector<tailrace::Tensor> -> Tensor\n",
        "top(k?, labels?): Tensor -> Ranking\n", "margin(least, of?): tests Tensor\n"})
    CHECK(text.find(line) != text.npos);
  const auto flow = tr::flow<tr::Tensor>("digits", [](tr::Stream<tr::Tensor> image) {
    auto pixels = image.then("scale", tr::stages::scale({.by = 0.0625}));
    auto tiny = tr::exit_if(tr::model<tr::Tensor, tr::Tensor>("tiny"), tr::stages::margin_test({.least = 0.8}));
    auto sure = tr::cascade("label", pixels, tiny, tr::model<tr::Tensor, tr::Tensor>("large"));
    return sure.then("softmax", tr::stages::softmax).then("arg_max", tr::stages::arg_max);
  });
  const auto read = tr::read_graph(R"({"flow": "digits", "input": "Tensor", "stages": [
      {"name": "scale", "run": {"scale": {"by": 0.0625}}},
      {"name": "label", "cascade": [{"model": "tiny", "exit_if": {"margin": {"least": 0.8}}}, {"model": "large"}]},
      {"name": "softmax", "run": "softmax"}, {"name": "arg_max", "run": "arg_max"}]})",
                                   catalog);
  if (!read) FAIL(read.error().what());
  CHECK(tr::difference(**read, flow.graph()) == "");
  CHECK(tr::write_flow(flow, catalog));

  const auto wrong = catalog.test("margin", {{"least", 0.5}, {"of", "value"}});
  CHECK(wrong.error().what() ==
        "margin: 'of' of 'margin' is 'value', expected 'scores' or 'values' (did you mean 'values'?)");
  CHECK(catalog.test("margin").error().what() == "margin: 'margin' needs the parameter 'least'");
}
