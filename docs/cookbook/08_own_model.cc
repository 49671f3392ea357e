// A model of a back end of your own, asked for by name and need, and found in a Registry when the flow is optimised.
#include <tailrace/tailrace.h>

#include <array>
#include <iostream>

namespace tr = tailrace;
using namespace std::chrono_literals;

using Features = std::array<float, 2>;
using Scores = std::array<float, 2>;

// A linear layer by hand. A Model gets batches, here of one row, may be called from several threads at once, and gives
// an Error where others would throw.
class Linear final : public tr::Model {
 public:
  explicit Linear(float slope) : slope_(slope) {}

  tr::Status run(std::span<const tr::Tensor> inputs, std::span<tr::Tensor> outputs) const noexcept override {
    const tr::Tensor& rows = inputs[0];
    if (rows.shape().rank() != 2 || rows.shape()[1] != 2 || !rows.contiguous())
      return tr::Error(tr::Code::shape_mismatch, "linear", "takes rows of 2 numbers");
    outputs[0] = tr::Tensor::zeros(tr::DType::float32, rows.shape());
    for (std::int64_t i = 0; i < rows.shape().elements(); i += 2) {
      const float* in = rows.as<float>().data() + i;
      float* out = outputs[0].as<float>().data() + i;
      out[0] = in[0] - slope_ * in[1];
      out[1] = -out[0];
    }
    return {};
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "a linear layer"; }

 private:
  float slope_;
};

std::string best(const Scores& scores) { return scores[0] > scores[1] ? "left" : "right"; }
bool clear(const Scores& scores) { return std::abs(scores[0] - scores[1]) > 1; }

int main() {
  auto flow = tr::flow<Features>("side", [](tr::Stream<Features> in) {
    auto centred = in.then("centre", [](const Features& f) {
                       return Features{f[0] - 1, f[1] - 1};
                     }).then("scale", [](const Features& f) {
      return Features{f[0] * 2, f[1] * 2};
    });
    auto small = tr::exit_if(tr::model<Features, Scores>("side"), tr::named("clear", clear));
    auto scores = tr::cascade("scores", centred, small, tr::model<Features, Scores>("side", {.accuracy = 0.95}));
    return scores.then("best", tr::stage(best, {.quick = true}));
  });

  std::cout << tr::explain(flow) << "\n";

  // Without a registry there is nothing to run, and that is told before anything starts.
  std::cout << tr::optimise(flow).error().what() << "\n\n";

  tr::Registry models;
  models.add("side", {.name = "coarse", .model = std::make_shared<Linear>(1.f), .accuracy = 0.91, .latency = 20us});
  models.add("side", {.name = "fine", .model = std::make_shared<Linear>(0.9f), .accuracy = 0.97, .latency = 150us});
  auto plan = tr::optimise(flow, {.models = models}).value();
  std::cout << tr::explain(plan) << "\n";

  // Any pass can be left out by name.
  auto unfused = tr::optimise(flow, {.models = models, .without = {"fuse"}}).value();
  std::cout << "---- without fuse\n" << tr::explain(unfused) << "\n";

  auto engine = tr::start(plan, {.threads = 1}).value();
  for (Features features : {Features{5, 2}, Features{2, 2.05f}}) {
    auto side = engine.run(features);
    std::cout << side.value() << ", rung " << side.rung << "\n";
  }
}
