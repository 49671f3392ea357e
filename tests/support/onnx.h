#pragma once
#include <string>
#include <vector>

namespace tailrace::test {

// One layer of a perceptron: y = x * weights^T + bias.
struct DenseLayer {
  std::size_t inputs = 0;
  std::vector<float> weights;  // [bias.size(), inputs], row-major
  std::vector<float> bias;
};

// A perceptron as an ONNX file's bytes: [rows, inputs] to [rows, outputs] in float32, with a relu between its layers,
// and any number of rows where `rows` is 0. Written by hand after onnx.proto (opset 13), so that tests need no ONNX
// library.
std::string onnx_of(const std::vector<DenseLayer>& layers, std::int64_t rows = 0);

}  // namespace tailrace::test
