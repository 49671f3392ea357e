#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "tailrace/core/random.h"
#include "tailrace/torch/torch.h"

namespace tr = tailrace;
namespace fs = std::filesystem;
using tr::DType;
using tr::Shape;
using tr::Tensor;

namespace {

using Opened = tr::Result<std::shared_ptr<const tr::Model>>;

// What docs/models/export_package.py writes; machine code for one processor, so that none is committed.
std::string exported(const std::string& name) {
  const char* const folder = std::getenv("TAILRACE_PACKAGES");
  return folder == nullptr ? std::string() : std::string(folder) + "/" + name;
}
bool skipped() {
  if (fs::exists(exported("dynamic.pt2")) && fs::exists(exported("fixed4.pt2")) && fs::exists(exported("small.pt")))
    return false;
  WARN("skipped: TAILRACE_PACKAGES names no folder that docs/models/export_package.py has filled");
  return true;
}

tr::torch::LoadOptions trusted(std::vector<std::int64_t> batches) {
  return {.rows = {{DType::float32, {64}}}, .batches = std::move(batches), .trust_native_code = true};
}
std::string failure(const Opened& result) {
  return result ? "no failure"
                : std::string(tr::name(result.error().code())) + ": " + std::string(result.error().what());
}
std::string failure(const tr::Status& status) {
  return status ? "no failure"
                : std::string(tr::name(status.error().code())) + ": " + std::string(status.error().what());
}
Tensor rows(std::int64_t n) {
  const auto t = Tensor::zeros(DType::float32, {n, 64});
  tr::Random random(7);
  for (float& x : t.as<float>()) x = static_cast<float>(random.normal());
  return t;
}
Tensor answer(const tr::Model& model, const Tensor& input) {
  Tensor output;
  const auto done = model.run({&input, 1}, {&output, 1});
  INFO(failure(done));
  REQUIRE(done);
  return output;
}

}  // namespace

TEST_CASE("machine code is loaded only where the file is trusted") {
  const auto file = fs::temp_directory_path() / "tailrace_package_test.pt2";
  std::ofstream(file) << "no package";
  auto options = trusted({1});
  CHECK(failure(tr::torch::open(file.string(), options))
            .starts_with("bad_file: not an AOTInductor package for this machine: "));
  options.trust_native_code = false;
  CHECK(
      failure(tr::torch::open(file.string(), options)) ==
      "unsupported: holds machine code, which would run with the rights of this process; set trust_native_code to load "
      "it");
  options = {.trust_native_code = true};
  CHECK(failure(tr::torch::open(file.string(), options)).starts_with("bad_value: needs rows, one for each input"));
  fs::remove(file);
}

TEST_CASE("a package answers as the module it was made of") {
  if (skipped()) return;
  const auto package = tr::torch::open(exported("dynamic.pt2"), trusted({2, 4, 32}));
  INFO(failure(package));
  REQUIRE(package);
  CHECK((*package)->describe().find("package dynamic.pt2 on cpu") != std::string::npos);
  const auto module = tr::torch::open(exported("small.pt"), {.rows = {{DType::float32, {64}}}}).value();
  for (const std::int64_t n : {2, 4, 32}) {
    const auto got = answer(**package, rows(n)), expected = answer(*module, rows(n));
    REQUIRE(got.shape() == Shape{n, 10});
    for (std::size_t i = 0; i < got.as<float>().size(); ++i)
      CHECK(got.as<float>()[i] == Approx(expected.as<float>()[i]).margin(1e-5));
  }
  SECTION("its answers keep their memory") {
    const auto first = answer(**package, rows(4));
    const auto copy = first.contiguous_copy();
    answer(**package, Tensor::zeros(DType::float32, {4, 64}));
    CHECK(first == copy);
  }
  SECTION("strided inputs are put in order first") {
    const auto turned = Tensor::zeros(DType::float32, {64, 2});
    turned.as<float>()[1] = 1;
    const auto input = Tensor::strided(turned.data(), DType::float32, {2, 64}, {1, 2}, {}, turned.owner());
    CHECK(answer(**package, input) == answer(**package, input.contiguous_copy()));
  }
  SECTION("many threads at once") {
    const auto expected = answer(**package, rows(4)).contiguous_copy();
    std::vector<std::thread> threads;
    std::vector<int> wrong(6);
    for (std::size_t t = 0; t < wrong.size(); ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 100; ++i) {
          Tensor output;
          const auto input = rows(4);
          wrong[t] += !(*package)->run({&input, 1}, {&output, 1}) || !(output == expected);
        }
      });
    for (auto& thread : threads) thread.join();
    CHECK(wrong == std::vector<int>(6));
  }
}

TEST_CASE("a package is never called with a shape that it was not compiled for") {
  if (skipped()) return;
  const auto fixed = tr::torch::open(exported("fixed4.pt2"), trusted({4}));
  INFO(failure(fixed));
  REQUIRE(fixed);
  const auto call = [&](const Tensor& input) {
    Tensor output;
    return failure((*fixed)->run({&input, 1}, {&output, 1}));
  };
  CHECK(call(rows(4)) == "no failure");
  CHECK(call(rows(2)) == "shape_mismatch: takes batches of 4 (LoadOptions::batches), got 2");
  CHECK(call(rows(8)) == "shape_mismatch: takes batches of 4 (LoadOptions::batches), got 8");
  CHECK(call(Tensor::zeros(DType::float32, {4, 32})) == "shape_mismatch: input 0 must be a batch of [64], got [4, 32]");
  CHECK(call(Tensor::zeros(DType::float64, {4, 64})) == "type_mismatch: input 0 must be float32, got float64");
  CHECK(failure((*fixed)->run({}, {})) == "bad_value: takes 1 inputs, got 0");

  SECTION("what the options say wrongly is found when it is loaded") {
    for (const std::int64_t n : {5, 8, 32})
      CHECK(failure(tr::torch::open(exported("fixed4.pt2"), trusted({n}))) ==
            "shape_mismatch: answers one row differently at different places in a batch of " + std::to_string(n) +
                ": it was compiled for another shape");
    auto narrow = trusted({4});
    narrow.rows = {{DType::float32, {32}}};
    CHECK(
        failure(tr::torch::open(exported("fixed4.pt2"), narrow)).starts_with("shape_mismatch: warm-up failed: addmm"));
  }
}
