// What LibTorch models can be asked for: batch sizes that are made ready, threads a call, parameters that are no
// tensors, and modules that keep state. Two small modules are written first.
#include <tailrace/tailrace.h>
#include <tailrace/torch/stateful.h>
#include <torch/csrc/jit/api/module.h>

#include <filesystem>
#include <iostream>

namespace tr = tailrace;
namespace fs = std::filesystem;

// A perceptron, and a sum over time that stands in the module itself.
void write_models(const fs::path& folder) {
  torch::jit::Module net("Net");
  net.register_parameter("weight", at::ones({2, 4}), false);
  net.define("def forward(self, x):\n  return torch.relu(torch.linear(x, self.weight))\n");
  net.save((folder / "net.pt").string());
  torch::jit::Module sum("Sum");
  sum.register_buffer("total", at::zeros({1}));
  sum.define("def forward(self, x, rate: int):\n  self.total.add_(x / rate)\n  return self.total\n");
  sum.save((folder / "sum.pt").string());
}

tr::Tensor number(float x) {
  auto t = tr::Tensor::zeros(tr::DType::float32, {1});
  t.as<float>()[0] = x;
  return t;
}

int main() {
  const fs::path folder = fs::temp_directory_path() / "tailrace_recipe_25";
  fs::create_directories(folder);
  write_models(folder);

  // Batch sizes that will come are warmed up, and each is called in the quickest way that gives the same bits.
  tr::torch::LoadOptions options;
  options.rows = {{tr::DType::float32, {4}}};
  options.batches = {1, 8};
  const auto net = tr::torch::open((folder / "net.pt").string(), options).value();
  const std::string said = net->describe();
  std::cout << said.substr(said.find("model")) << "\n";

  // A module that writes to itself cannot be shared, and is not: each stream of requests has a copy.
  tr::torch::LoadOptions remembers{.batch_dim = std::nullopt, .arguments = {{"rate", 2}}};
  const auto refused = tr::torch::open((folder / "sum.pt").string(), remembers);
  std::cout << "open: " << tr::name(refused.error().code()) << "\n";
  const auto sum = tr::torch::open_stateful((folder / "sum.pt").string(), remembers).value();
  const auto flow =
      tr::flow<tr::Tensor>("sums", [&](tr::Stream<tr::Tensor> x) { return x.then("sum", tr::torch::stateful(sum)); });
  auto engine = tr::start(flow, {.threads = 2}).value();
  for (int i = 1; i <= 3; ++i)
    for (const std::uint64_t stream : {1, 2}) {
      const auto total = engine.run(number(static_cast<float>(10 * stream)), {.stream = stream}).value();
      std::cout << "stream " << stream << ": " << total.as<float>()[0] << "\n";
    }

  // What is in this process: lines for a log.
  const tr::torch::Report report = tr::torch::report();
  std::cout << "threads of calls are limited: " << (report.limited ? "yes" : "no") << "\n";
  fs::remove_all(folder);
}
