// LibTorch first: it and Catch2 both define CHECK.
#include "torch/modules.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <thread>

#include "tailrace/torch/memory.h"

namespace {

int threads_of_process() {
  int n = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/task")) ++n;
  return n;
}
int omp_threads() { return reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"))(); }

const std::string heavy = "def forward(self, x):\n  return torch.exp(torch.matmul(x, x) * 0.001)\n";
const std::string scaled = "def forward(self, x, n: int, s: float = 1.0):\n  return x * n * s\n";

}  // namespace

TEST_CASE("a call computes on as many threads as asked for, wherever its own was born") {
  const auto input = Tensor::zeros(DType::float32, {700, 700});
  for (const unsigned threads : {1u, 2u, 3u}) {
    const auto model = opened(heavy, {}, {.threads = threads});
    REQUIRE(model);
    int more = -1, after = 0;
    std::thread([&] {
      const int omp = omp_threads(), before = threads_of_process();
      REQUIRE(ask(**model, {input}));
      more = threads_of_process() - before;
      after = omp_threads() - omp;
    }).join();
    CHECK(more == static_cast<int>(threads) - 1);
    CHECK(after == 0);
  }
  CHECK(failure(opened(heavy, {}, {.threads = 0})) == "bad_value: threads must be 1 or more");
}

TEST_CASE("parameters that are no tensors come from the options") {
  const auto with = [](tr::Parameters arguments) { return opened(scaled, {}, {.arguments = std::move(arguments)}); };
  CHECK(values(ask(**with({{"n", 3}}), {floats({2}, {1, 1})}).value()) == std::vector<float>{6});
  CHECK(values(ask(**with({{"s", .5}, {"n", 3}}), {floats({2}, {1, 1})}).value()) == std::vector<float>{3});
  CHECK(failure(with({})).starts_with("unsupported: forward takes 'n: int'"));
  CHECK(failure(with({{"n", "three"}})) == "bad_value: forward takes 'n: int', got 'three'");
  CHECK(failure(with({{"n", 1.5}})) == "bad_value: forward takes 'n: int', got 1.5");
  CHECK(failure(with({{"n", 3}, {"m", 1}})).starts_with("unknown_name: forward has no parameter 'm'"));
  CHECK(failure(ask(**with({{"n", 3}}), {})) == "bad_value: takes 1 inputs, got 0");
}

TEST_CASE("tensors that need not be given") {
  const auto model = opened(
      "def forward(self, x, y: Optional[Tensor] = None, n: int = 2):\n"
      "  if y is not None:\n    x = x + y\n  return x * n\n",
      {}, {.arguments = {{"n", 5}}});
  INFO(failure(model));
  REQUIRE(model);
  CHECK(values(ask(**model, {floats({2}, {1, 1})}).value()) == std::vector<float>{10});
  CHECK(values(ask(**model, {floats({2}, {1, 1}), floats({1}, {1, 1})}).value()) == std::vector<float>{15});
  const auto one = floats({2}, {1, 1});
  CHECK(failure(ask(**model, {one, one, one})) == "bad_value: takes 2 inputs, got 3");
  CHECK(failure(ask(**model, {Tensor::view(nullptr, DType::float32, {1, 1})})) == "bad_value: input 0 has no memory");
}

TEST_CASE("automatic keeps the faster of both, for each batch size, and says which") {
  const std::string source =
      "def forward(self, x):\n"
      "  x = torch.relu(torch.conv2d(x, self.w, self.b, [1, 1], [1, 1]))\n"
      "  return torch.conv2d(x, self.v, None, [1, 1], [1, 1]).flatten(1)\n";
  const auto setup = [](jit::Module& m) {
    at::manual_seed(5);
    m.register_parameter("w", at::randn({32, 3, 3, 3}), false), m.register_parameter("b", at::randn({32}), false);
    m.register_parameter("v", at::randn({32, 32, 3, 3}), false);
  };
  tr::torch::LoadOptions options{.rows = {{DType::float32, {3, 16, 16}}}, .batches = {8, 1, 8}};
  const auto plain = opened(source, setup, options);
  options.optimise = tr::torch::Optimise::automatic;
  const auto model = opened(source, setup, options);
  REQUIRE(model);
  const std::string said = (*model)->describe();
  INFO(said);
  CHECK((said.ends_with(" on cpu") || said.ends_with(" (oneDNN at 1)") || said.ends_with(" (oneDNN at 8)") ||
         said.ends_with(" (oneDNN at 1, 8)")));
  for (const std::int64_t n : {1, 8, 20}) {
    const auto input = Tensor::zeros(DType::float32, {n, 3, 16, 16});
    for (float& x : input.as<float>()) x = static_cast<float>(&x - input.as<float>().data()) / 9999;
    const auto a = values(ask(**plain, {input}).value()), b = values(ask(**model, {input}).value());
    REQUIRE(a.size() == b.size());
    if (said.ends_with(" on cpu")) CHECK(a == b);
    for (std::size_t i = 0; i < a.size(); i += 97) CHECK(a[i] == Approx(b[i]).margin(1e-3));
  }
}

TEST_CASE("automatic is content where there is nothing to choose from") {
  const std::string same = "def forward(self, x):\n  return x\n";
  CHECK(opened(same, {}, {.optimise = tr::torch::Optimise::automatic}));
  CHECK(opened(same, {}, {.rows = {{DType::float32, {2}}}, .optimise = tr::torch::Optimise::automatic}));
}

TEST_CASE("the report names what LibTorch brought along") {
  const auto report = tr::torch::report();
  CHECK(report.libtorch.starts_with("2."));
  CHECK(report.openmp.find("libgomp") != std::string::npos);
  CHECK_FALSE(report.blas.empty());
  CHECK_FALSE(report.isa.empty());
  CHECK(report.limited);
  CHECK(report.threads >= 1);
  CHECK(report.processors == static_cast<int>(std::thread::hardware_concurrency()));
}

// Last in this file: from here on the process has another allocator.
TEST_CASE("LibTorch's memory is used again where the program says so") {
  CHECK_FALSE(tr::torch::memory_is_reused());
  CHECK(failure(tr::Result<int>(tr::torch::reuse_memory({.least = 1}).error())).starts_with("bad_value: least"));
  const auto before = at::ones({1 << 16});
  const tr::torch::MemoryOptions options{.most_kept = std::size_t{8} << 20};
  REQUIRE(tr::torch::reuse_memory(options));
  CHECK(tr::torch::reuse_memory(options));
  CHECK_FALSE(tr::torch::reuse_memory({}));
  CHECK(tr::torch::memory_is_reused());
  CHECK(tr::torch::report().allocator.ends_with("behind reuse_memory()"));

  const auto model = opened("def forward(self, x):\n  return (x + 1).sqrt().cumsum(1)\n");
  const auto input = Tensor::zeros(DType::float32, {1, 1 << 16});
  const void* data = nullptr;
  {
    const auto answer = ask(**model, {input}).value();
    data = answer.data();
    CHECK(reinterpret_cast<std::uintptr_t>(data) % 64 == 0);
    CHECK(answer.as<float>()[9] == 10);
  }
  const auto kept = tr::torch::memory_kept();
  CHECK(kept >= std::size_t{4} << 16);
  CHECK(ask(**model, {input}).value().as<float>()[65535] == 65536);
  CHECK(tr::torch::memory_kept() == kept);

  // Every size fits, and no more is kept than said.
  for (std::int64_t n = 60000; n < 9000000; n = n * 9 / 8 + 3) {
    const auto t = at::full({n}, 7, at::kByte);
    REQUIRE(t.min().item<int>() == 7);
    REQUIRE(t.numel() == n);
  }
  CHECK(tr::torch::memory_kept() <= options.most_kept);
  // Small tensors, and none at all, are left to malloc.
  const auto now = tr::torch::memory_kept();
  at::ones({100}), at::empty({0});
  CHECK(tr::torch::memory_kept() == now);
  CHECK(at::gelu(at::ones({70, 70, 70})).numel() == 343000);  // oneDNN asks for memory without an owner
  CHECK(before.sum().item<double>() == 1 << 16);
}
