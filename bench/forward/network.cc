#include "forward/network.h"

#include <unistd.h>

#include <cmath>
#include <filesystem>

namespace forward {

std::vector<Layer> draw_layers(const std::vector<std::int64_t>& widths) {
  std::vector<Layer> layers;
  for (std::size_t i = 1; i < widths.size(); ++i) {
    const auto in = widths[i - 1], out = widths[i];
    layers.push_back({at::randn({out, in}) / std::sqrt(static_cast<double>(in)), at::randn({out})});
  }
  return layers;
}

std::vector<Layer> layers_of(const Network& network) {
  at::manual_seed(1);
  return draw_layers(network.widths);
}

torch::jit::Module module_of(const std::string& name, const std::vector<Layer>& layers, bool relu_at_end) {
  torch::jit::Module net(name);
  std::string source = "def forward(self, x):\n";
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string n = std::to_string(i);
    net.register_parameter("w" + n, layers[i].weight, false);
    net.register_parameter("b" + n, layers[i].bias, false);
    source += "  x = torch.linear(x, self.w" + n + ", self.b" + n + ")\n";
    if (relu_at_end || i + 1 < layers.size()) source += "  x = torch.relu(x)\n";
  }
  net.define(source + "  return x\n");
  return net;
}

std::string file_of(const Network& network) {
  const auto file =
      std::filesystem::temp_directory_path() / ("tailrace_bench_" + std::to_string(::getpid()) + network.name + ".pt");
  module_of("Net", layers_of(network)).save(file.string());
  return file.string();
}

}  // namespace forward
