#include "forward/network.h"

#include <torch/csrc/jit/api/module.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

namespace forward {

std::vector<Layer> layers_of(const Network& network) {
  std::vector<Layer> layers;
  at::manual_seed(1);
  for (std::size_t i = 1; i < network.widths.size(); ++i) {
    const auto in = network.widths[i - 1], out = network.widths[i];
    layers.push_back({at::randn({out, in}) / std::sqrt(static_cast<double>(in)), at::randn({out})});
  }
  return layers;
}

std::string file_of(const Network& network) {
  torch::jit::Module net("Net");
  std::string source = "def forward(self, x):\n";
  const auto layers = layers_of(network);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string n = std::to_string(i);
    net.register_parameter("w" + n, layers[i].weight, false);
    net.register_parameter("b" + n, layers[i].bias, false);
    source += "  x = torch.linear(x, self.w" + n + ", self.b" + n + ")\n";
    if (i + 1 < layers.size()) source += "  x = torch.relu(x)\n";
  }
  net.define(source + "  return x\n");
  const auto file =
      std::filesystem::temp_directory_path() / ("tailrace_bench_" + std::to_string(::getpid()) + network.name + ".pt");
  net.save(file.string());
  return file.string();
}

}  // namespace forward
