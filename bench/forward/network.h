#pragma once
#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include <cstdint>
#include <string>
#include <vector>

// Small networks of linear layers and ReLUs.
namespace forward {

struct Network {
  const char* name;
  std::vector<std::int64_t> widths;
};

struct Layer {
  at::Tensor weight, bias;
};
// Drawn from ATen's generator.
std::vector<Layer> draw_layers(const std::vector<std::int64_t>& widths);
// The same ones at every call.
std::vector<Layer> layers_of(const Network& network);
torch::jit::Module module_of(const std::string& name, const std::vector<Layer>& layers, bool relu_at_end = false);

// The module as Python would have saved it, in a file of this process, which the caller removes.
std::string file_of(const Network& network);

}  // namespace forward
