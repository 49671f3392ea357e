// A network that remembers, with its memory outside of it.
#include "tailrace/stages/recurrent.h"

#include <catch2/catch.hpp>

#include "tailrace/exec/start.h"
#include "tailrace/flow/flow.h"

namespace tr = tailrace;
using tr::Tensor;

namespace {

Tensor number(float x) {
  Tensor t = Tensor::zeros(tr::DType::float32, {1});
  t.as<float>()[0] = x;
  return t;
}
float value(const tr::Result<Tensor>& t) {
  if (!t) FAIL(t.error().what());
  return t->as<float>()[0];
}

// Gives sum + input, and (sum, count) as its next state; fails for negative inputs.
class Sum : public tr::Model {
 public:
  tr::Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    if (inputs.size() != 3) return tr::Error(tr::Code::bad_value, "sum", "takes 3 inputs");
    const float x = inputs[0].as<float>()[0];
    outputs[1] = number(inputs[1].as<float>()[0] + x);
    outputs[2] = x == 99 ? Tensor::zeros(tr::DType::float32, {2}) : number(inputs[2].as<float>()[0] + 1);
    if (x < 0) return tr::Error(tr::Code::stage_failed, "sum", "negative");
    outputs[0] = number(outputs[1].as<float>()[0] * 100 + outputs[2].as<float>()[0]);
    return {};
  }
  bool batched() const noexcept override { return false; }
  std::string describe() const override { return "sum"; }
};

auto make_flow() {
  return tr::flow<Tensor>("sums", [](tr::Stream<Tensor> in) {
    return in.then("sum", tr::stages::recurrent(std::make_shared<Sum>(), {number(0), number(0)}));
  });
}

}  // namespace

TEST_CASE("recurrent: a state for each stream, from the first one on") {
  auto engine = tr::start(make_flow(), {.threads = 2}).value();
  CHECK(value(engine.run(number(1), {.stream = 1})) == 101);
  CHECK(value(engine.run(number(2), {.stream = 1})) == 302);
  CHECK(value(engine.run(number(5), {.stream = 2})) == 501);
  CHECK(value(engine.run(number(3), {.stream = 1})) == 603);
}

TEST_CASE("recurrent: a step that fails leaves the state as it was") {
  auto engine = tr::start(make_flow(), {.threads = 1}).value();
  CHECK(value(engine.run(number(1), {.stream = 1})) == 101);
  CHECK(tr::describe(engine.run(number(-7), {.stream = 1}).error()) == "sum: negative");
  CHECK(tr::describe(engine.run(number(99), {.stream = 1}).error()) ==
        "sum: sum was given state 1 as [1], and gave [2]");
  CHECK(value(engine.run(number(2), {.stream = 1})) == 302);
}
