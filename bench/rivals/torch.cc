#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "rivals/scenario.h"

namespace rivals {
namespace {

namespace jit = torch::jit;
using tailrace::test::DenseLayer;

at::Tensor tensor_of(const std::vector<float>& values, at::IntArrayRef shape) {
  return at::tensor(values, at::kFloat).view(shape);
}

jit::Module frozen(const std::string& file) {
  jit::Module module = jit::load(file, c10::kCPU);
  module.eval();
  return jit::freeze(module);
}

// As somebody writes it who calls LibTorch by hand: frozen modules, no gradients, one thread a call, the row not
// copied.
struct Caller {
  explicit Caller(std::shared_ptr<const Networks> networks)
      : networks_(std::move(networks)),
        small_(frozen(networks_->folder + "/small.pt").get_method("forward")),
        large_(frozen(networks_->folder + "/large.pt").get_method("forward")) {}
  std::uint32_t operator()(const Row& row) const {
    at::set_num_threads(1);
    const c10::InferenceMode inference;
    const at::Tensor x = at::from_blob(const_cast<float*>(row.data()), {1, 64}, at::kFloat);
    at::Tensor scores = small_({x}).toTensor();
    if (!is_sure(scores.const_data_ptr<float>(), networks_->sure)) scores = large_({x}).toTensor();
    return best_of(scores.const_data_ptr<float>());
  }

 private:
  std::shared_ptr<const Networks> networks_;
  mutable jit::Method small_, large_;
};

}  // namespace

void save_torch(const std::vector<DenseLayer>& layers, const std::string& file) {
  jit::Module net("Net");
  std::string source = "def forward(self, x):\n";
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto outputs = static_cast<std::int64_t>(layers[i].bias.size());
    const auto inputs = static_cast<std::int64_t>(layers[i].inputs);
    const std::string n = std::to_string(i);
    net.register_parameter("w" + n, tensor_of(layers[i].weights, {outputs, inputs}), false);
    net.register_parameter("b" + n, tensor_of(layers[i].bias, {outputs}), false);
    const std::string call = "torch.linear(x, self.w" + n + ", self.b" + n + ")";
    source += i + 1 < layers.size() ? "    x = torch.relu(" + call + ")\n" : "    return " + call + "\n";
  }
  net.define(source);
  net.save(file);
}

std::unique_ptr<System> plain_torch(std::shared_ptr<const Networks> networks, unsigned threads, Done done) {
  auto caller = std::make_shared<const Caller>(networks);
  for (int i = 0; i < 3; ++i)
    for (const Row& row : networks->rows) (*caller)(row);
  return plain_calls(std::move(networks), threads, std::move(done),
                     [caller] { return [caller](const Row& row) { return (*caller)(row); }; });
}

double kernel_limit(const Networks& networks, unsigned threads, double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr std::int64_t batch = 32;
  std::atomic<std::uint64_t> rows{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> workers;
  for (unsigned t = 0; t < threads; ++t)
    workers.emplace_back([&] {
      at::set_num_threads(1);
      const c10::InferenceMode inference;
      jit::Module small = frozen(networks.folder + "/small.pt"), large = frozen(networks.folder + "/large.pt");
      const at::Tensor x = at::from_blob(const_cast<float*>(networks.rows[0].data()), {batch, 64}, at::kFloat);
      double owed = 0;  // rows for the large network
      while (!stop) {
        small.forward({x});
        for (owed += networks.unsure * batch; owed >= batch; owed -= batch) large.forward({x});
        rows += batch;
      }
    });
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds / 4));  // warm
  const auto before = rows.load();
  const auto start = Clock::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const double took = std::chrono::duration<double>(Clock::now() - start).count();
  const double done = static_cast<double>(rows - before);
  stop = true;
  for (auto& w : workers) w.join();
  return done / took;
}

}  // namespace rivals
