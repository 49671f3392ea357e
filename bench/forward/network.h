#pragma once
#include <ATen/ATen.h>

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
// The same ones at every call.
std::vector<Layer> layers_of(const Network& network);

// The module as Python would have saved it, in a file of this process, which the caller removes.
std::string file_of(const Network& network);

}  // namespace forward
