// A model whose variants run on different back ends: one on OpenVINO, from an ONNX file, and one of the program's own.
#include <tailrace/openvino/openvino.h>
#include <tailrace/tailrace.h>

#include <array>
#include <iostream>

namespace tr = tailrace;
using namespace std::chrono_literals;

using Bits = std::array<float, 2>;
using Scores = std::array<float, 2>;  // equal, different

// Quick, and right wherever the first bit is not set.
class Guess final : public tr::Model {
 public:
  tr::Status run(std::span<const tr::Tensor> inputs, std::span<tr::Tensor> outputs) const noexcept override {
    const tr::Tensor& rows = inputs[0];
    outputs[0] = tr::Tensor::zeros(tr::DType::float32, rows.shape());
    for (std::int64_t i = 0; i < rows.shape()[0]; ++i) {
      const float second = rows.row(i).as<float>()[1];
      outputs[0].row(i).as<float>()[0] = 1 - second;
      outputs[0].row(i).as<float>()[1] = second;
    }
    return {};
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "a guess"; }
};

std::string best(const Scores& scores) { return scores[0] > scores[1] ? "equal" : "different"; }

int main() {
  auto network = tr::openvino::open(RECIPE_DIR "/28_openvino.onnx");
  if (!network) return std::cout << tr::describe(network.error()) << "\n", 1;

  tr::Registry models;
  models.add("bits", {.name = "guess", .model = std::make_shared<Guess>(), .accuracy = 0.5, .latency = 1us});
  models.add("bits", {.name = "onnx", .model = *network, .accuracy = 1, .latency = 10us});

  for (double least : {0.0, 0.9}) {
    auto flow = tr::flow<Bits>("compare", [&](tr::Stream<Bits> bits) {
      return bits.then("scores", tr::model<Bits, Scores>("bits", {.accuracy = least})).then("best", best);
    });
    auto engine = tr::start(tr::optimise(flow, {.models = models}).value(), {.threads = 1}).value();
    std::cout << "right at least " << 100 * least << " % of the time:";
    for (Bits bits : {Bits{0, 0}, Bits{0, 1}, Bits{1, 0}, Bits{1, 1}})
      std::cout << " " << bits[0] << bits[1] << " " << engine.run(bits).value();
    std::cout << "\n";
  }

  auto missing = tr::openvino::open("nowhere.onnx");
  std::cout << tr::describe(missing.error()) << "\n";
}
