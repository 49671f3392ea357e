#include "support/onnx.h"

#include <cstdint>
#include <cstring>

namespace tailrace::test {
namespace {

// Protocol buffers on the wire: a field is its number and kind, then a number or so many bytes.
std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 128; value >>= 7) bytes += static_cast<char>(value % 128 + 128);
  return bytes + static_cast<char>(value);
}
std::string field(unsigned number, std::uint64_t value) { return varint(number * 8) + varint(value); }
std::string field(unsigned number, const std::string& bytes) {
  return varint(number * 8 + 2) + varint(bytes.size()) + bytes;
}

// The field numbers below are those of onnx.proto.
constexpr std::uint64_t float32 = 1;

std::string tensor(const std::string& name, const std::vector<std::int64_t>& dims, const std::vector<float>& values) {
  std::string raw(values.size() * sizeof(float), '\0');
  std::memcpy(raw.data(), values.data(), raw.size());
  std::string bytes;
  for (auto d : dims) bytes += field(1, static_cast<std::uint64_t>(d));
  return bytes + field(2, float32) + field(8, name) + field(9, raw);
}

std::string value_info(const std::string& name, std::int64_t rows, std::size_t width) {
  const std::string first = rows ? field(1, static_cast<std::uint64_t>(rows)) : field(2, std::string("rows"));
  const std::string shape = field(1, first) + field(1, field(1, width));
  return field(1, name) + field(2, field(1, field(1, float32) + field(2, shape)));
}

std::string node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output,
                 const std::string& attribute = {}) {
  std::string bytes;
  for (const auto& input : inputs) bytes += field(1, input);
  bytes += field(2, output) + field(3, output) + field(4, op);
  return attribute.empty() ? bytes : bytes + field(5, attribute);
}

}  // namespace

std::string onnx_of(const std::vector<DenseLayer>& layers, std::int64_t rows) {
  const std::string transposed =
      field(1, std::string("transB")) + field(3, 1) + field(20, 2);  // an attribute: 2 is INT
  std::string nodes, initialisers, value = "x";
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const DenseLayer& layer = layers[i];
    const std::string n = std::to_string(i);
    const auto outputs = static_cast<std::int64_t>(layer.bias.size());
    initialisers += field(5, tensor("w" + n, {outputs, static_cast<std::int64_t>(layer.inputs)}, layer.weights));
    initialisers += field(5, tensor("b" + n, {outputs}, layer.bias));
    nodes += field(1, node("Gemm", {value, "w" + n, "b" + n}, "g" + n, transposed));
    value = "g" + n;
    if (i + 1 == layers.size()) break;
    nodes += field(1, node("Relu", {value}, "r" + n));
    value = "r" + n;
  }
  const std::string graph = nodes + field(2, std::string("perceptron")) + initialisers +
                            field(11, value_info("x", rows, layers.front().inputs)) +
                            field(12, value_info(value, rows, layers.back().bias.size()));
  return field(1, 7) + field(7, graph) + field(8, field(1, std::string()) + field(2, 13));
}

}  // namespace tailrace::test
