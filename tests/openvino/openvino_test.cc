#include "tailrace/openvino/openvino.h"

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/onnx.h"
#include "tailrace/core/random.h"
#include "tailrace/tailrace.h"

namespace tr = tailrace;
using tr::Code;
using tr::DType;
using tr::Tensor;
using tr::test::DenseLayer;
namespace fs = std::filesystem;

namespace {

struct Folder {
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "tailrace-openvino-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path); }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path / name, std::ios::binary) << bytes;
    return (path / name).string();
  }
  fs::path path;
};

DenseLayer layer(std::size_t inputs, std::size_t outputs, tr::Random& random) {
  DenseLayer made{inputs, std::vector<float>(inputs * outputs), std::vector<float>(outputs)};
  for (auto* values : {&made.weights, &made.bias})
    for (float& v : *values) v = static_cast<float>(random.uniform() - 0.5);
  return made;
}
std::vector<DenseLayer> perceptron() {
  tr::Random random(5);
  return {layer(8, 16, random), layer(16, 3, random)};
}

std::vector<float> by_hand(const std::vector<DenseLayer>& layers, std::vector<float> x) {
  for (std::size_t n = 0; n < layers.size(); ++n) {
    const DenseLayer& l = layers[n];
    std::vector<float> y = l.bias;
    for (std::size_t o = 0; o < y.size(); ++o) {
      for (std::size_t i = 0; i < l.inputs; ++i) y[o] += l.weights[o * l.inputs + i] * x[i];
      if (n + 1 < layers.size()) y[o] = std::max(y[o], 0.0f);
    }
    x = std::move(y);
  }
  return x;
}

Tensor rows_of(std::int64_t n) {
  Tensor rows = Tensor::zeros(DType::float32, {n, 8});
  tr::Random random(9);
  for (float& v : rows.as<float>()) v = static_cast<float>(random.uniform());
  return rows;
}

void check_rows(const Tensor& given, const Tensor& answers) {
  REQUIRE(answers.shape() == tr::Shape{given.shape()[0], 3});
  for (std::int64_t r = 0; r < given.shape()[0]; ++r) {
    const Tensor row = given.row(r).contiguous_copy(), answer = answers.row(r).contiguous_copy();
    const auto wanted = by_hand(perceptron(), {row.as<float>().begin(), row.as<float>().end()});
    for (std::size_t i = 0; i < 3; ++i) CHECK(answer.as<float>()[i] == Approx(wanted[i]).margin(1e-5));
  }
}

template <class T>
std::string failure(const tr::Result<T>& result) {
  if (result) return "no failure";
  return std::string(tr::name(result.error().code())) + ": " + std::string(result.error().what());
}
std::string failure(const tr::Status& status) {
  return status ? "no failure"
                : std::string(tr::name(status.error().code())) + ": " + std::string(status.error().what());
}

}  // namespace

TEST_CASE("OpenVINO: batches of any size, whatever the file says") {
  const Folder folder;
  for (std::int64_t in_file : {0, 1}) {
    const auto model = tr::openvino::open(folder.write("net.onnx", tr::test::onnx_of(perceptron(), in_file)));
    REQUIRE(model);
    CHECK((*model)->batched());
    CHECK((*model)->describe() == "OpenVINO model net.onnx on cpu");
    for (std::int64_t n : {1, 5, 1, 32}) {
      const Tensor rows = rows_of(n);
      Tensor answers;
      REQUIRE((*model)->run({&rows, 1}, {&answers, 1}));
      check_rows(rows, answers);
    }
  }
  CHECK(tr::openvino::report().find("OpenVINO") != std::string::npos);
}

TEST_CASE("OpenVINO: inputs with gaps are read as they are") {
  const Folder folder;
  const auto model = tr::openvino::open(folder.write("net.onnx", tr::test::onnx_of(perceptron()))).value();
  const Tensor whole = rows_of(6);
  const Tensor every_second =
      Tensor::strided(whole.data(), DType::float32, {3, 8}, {16, 1}, {}, std::shared_ptr<void>(whole.owner()));
  Tensor answers;
  REQUIRE(model->run({&every_second, 1}, {&answers, 1}));
  check_rows(every_second, answers);
}

TEST_CASE("OpenVINO: any threads may call at once, and calls start no thread") {
  const Folder folder;
  const auto model = tr::openvino::open(folder.write("net.onnx", tr::test::onnx_of(perceptron()))).value();
  const auto call = [&](std::int64_t n) {
    const Tensor rows = rows_of(n);
    Tensor answers;
    return model->run({&rows, 1}, {&answers, 1}) && answers.shape()[0] == n;
  };
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) wrong += !call(1 + (i + t) % 4);
    });
  for (auto& t : threads) t.join();
  CHECK(wrong == 0);
  const auto count = [] { return std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator()); };
  const auto before = count();
  for (int i = 0; i < 20; ++i) CHECK(call(2));
  CHECK(count() == before);
}

TEST_CASE("OpenVINO: a stage of a flow, beside others of another back end") {
  const Folder folder;
  const auto net = tr::openvino::load<std::array<float, 8>, std::array<float, 3>>(
                       folder.write("net.onnx", tr::test::onnx_of(perceptron())))
                       .value();
  auto engine = tr::start(tr::flow<std::array<float, 8>>("ask", [&](auto in) { return in.then("net", net); })).value();
  const std::array<float, 8> in{1, 0, .5f, 0, .25f, 0, 0, 1};
  const auto answer = engine.run(in);
  REQUIRE(answer);
  const auto wanted = by_hand(perceptron(), {in.begin(), in.end()});
  for (std::size_t i = 0; i < 3; ++i) CHECK((*answer)[i] == Approx(wanted[i]).margin(1e-5));
}

TEST_CASE("OpenVINO: what does not fit is refused with what was expected") {
  const Folder folder;
  const auto model = tr::openvino::open(folder.write("net.onnx", tr::test::onnx_of(perceptron()))).value();
  const auto ask = [&](std::vector<Tensor> inputs, std::size_t outputs = 1) {
    std::vector<Tensor> answers(outputs);
    return failure(model->run(inputs, answers));
  };
  CHECK(ask({}) == "bad_value: takes 1 inputs, got 0");
  CHECK(ask({rows_of(1)}, 2) == "bad_value: gives 1 tensors, 2 are wanted");
  CHECK(ask({Tensor::zeros(DType::float32, {1, 7})}) == "shape_mismatch: input 0 must be [?,8], got [1, 7]");
  CHECK(ask({Tensor::zeros(DType::float32, {8})}) == "shape_mismatch: input 0 must be [?,8], got [8]");
  CHECK(ask({Tensor::zeros(DType::int32, {1, 8})}) == "type_mismatch: input 0 must be f32, got int32");
  CHECK(ask({rows_of(2)}) == "no failure");
  CHECK(ask({Tensor::zeros(DType::float32, {0, 8})}) == "no failure");

  CHECK(failure(tr::openvino::open("nowhere.onnx")) == "bad_file: there is no file 'nowhere.onnx'");
  CHECK_THAT(failure(tr::openvino::open(folder.write("torn.onnx", "no network"))), Catch::StartsWith("bad_file: "));
  const auto whole = tr::test::onnx_of(perceptron());
  CHECK_THAT(failure(tr::openvino::open(folder.write("half.onnx", whole.substr(0, whole.size() / 2)))),
             Catch::StartsWith("bad_file: "));
  CHECK(failure(tr::openvino::open(folder.write("net.onnx", whole), {.warm_up = -1})) ==
        "bad_value: warm_up must not be negative");
  CHECK(failure(tr::openvino::open(folder.write("net.onnx", whole), {.batches = {0}})) ==
        "bad_value: batches must be positive");
}
