#include "tailrace/plan/model_stage.h"

#include <catch2/catch.hpp>

namespace tailrace {
namespace {

using Answer = Result<Tensor>;

// A model that answers by a function of its input.
struct Fake : Model {
  std::function<Answer(const Tensor&)> answer;
  bool batch = true;
  Fake(std::function<Answer(const Tensor&)> a, bool b) : answer(std::move(a)), batch(b) {}
  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    REQUIRE(inputs.size() == 1);
    REQUIRE(outputs.size() == 1);
    Answer given = answer(inputs[0]);
    if (!given) return given.error();
    outputs[0] = *given;
    return {};
  }
  bool batched() const noexcept override { return batch; }
  std::string describe() const override { return "fake"; }
};

Answer same(const Tensor& t) { return t; }

TEST_CASE("a batched model sees a batch of one and its row comes back") {
  Shape seen;
  const Fake model([&](const Tensor& t) { return seen = t.shape(), same(t); }, true);
  const Tensor row = Tensor::zeros(DType::float32, {2, 3});
  const Answer answer = detail::call_model(model, row);
  REQUIRE(answer);
  CHECK(seen == Shape{1, 2, 3});
  CHECK(*answer == row);
  CHECK(answer->data() == row.data());
}

TEST_CASE("a model without batches sees the row as it is") {
  Shape seen;
  const Fake model([&](const Tensor& t) { return seen = t.shape(), same(t); }, false);
  const Answer answer = detail::call_model(model, Tensor::zeros(DType::float32, {2, 3}));
  REQUIRE(answer);
  CHECK(seen == Shape{2, 3});
  CHECK(answer->shape() == Shape{2, 3});
}

TEST_CASE("an output that is not one row is refused, naming the model") {
  const auto error_of = [](Tensor output, bool batched) {
    const Fake model([&](const Tensor&) { return Answer(output); }, batched);
    const Answer answer = detail::call_model(model, Tensor::zeros(DType::float32, {2}));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code() == Code::shape_mismatch);
    return std::string(answer.error().what());
  };
  CHECK(error_of(Tensor::zeros(DType::float32, {0, 10}), true) ==
        "fake gave [0, 10] for one row: the first dimension must be 1");
  CHECK(error_of(Tensor::zeros(DType::float32, {2, 10}), true) ==
        "fake gave [2, 10] for one row: the first dimension must be 1");
  CHECK(error_of(Tensor::zeros(DType::float32, {}), true) == "fake gave an output without a batch dimension");
  CHECK(error_of(Tensor(), true) == "fake gave no output");
  CHECK(error_of(Tensor(), false) == "fake gave no output");
}

TEST_CASE("a row with no room for a batch dimension is refused before the model runs") {
  bool ran = false;
  const Fake model([&](const Tensor& t) { return ran = true, same(t); }, true);
  const Answer answer = detail::call_model(model, Tensor::zeros(DType::float32, {1, 1, 1, 1, 1, 1, 1, 1}));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code() == Code::shape_mismatch);
  CHECK_FALSE(ran);
}

TEST_CASE("a model's own error comes back unchanged") {
  const Fake model([](const Tensor&) { return Answer(Error(Code::stage_failed, "broken.pt", "no weights")); }, true);
  const Answer answer = detail::call_model(model, Tensor::zeros(DType::float32, {2}));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().where() == "broken.pt");
  CHECK(answer.error().what() == "no weights");
}

TEST_CASE("a model stage converts both ways by row_traits") {
  const auto doubler = std::make_shared<Fake>(
      [](const Tensor& t) {
        Tensor twice = t.contiguous_copy();
        for (float& x : twice.as<float>()) x *= 2;
        return Answer(twice);
      },
      true);
  using Row = std::array<float, 3>;
  const auto stage = model<Row, std::vector<float>>("double").with(doubler);
  CHECK(*stage(Row{1, 2, 3}) == std::vector<float>{2, 4, 6});

  const auto wrong = model<Row, Row>("double").with(std::make_shared<Fake>(
      [](const Tensor&) {
        return Answer(Tensor::zeros(DType::float32, {1, 4}));
      },
      true));
  const auto answer = wrong(Row{1, 2, 3});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().what() == "expected a row float32[3], got float32[4]");
}

}  // namespace
}  // namespace tailrace
