// A stranger's program that loads models with LibTorch: here a file that is missing, which it must be told.
#include <tailrace/torch/torch.h>

#include <string>
#include <vector>

int main() {
  const auto model = tailrace::torch::load<std::vector<float>, std::vector<float>>("no_such_model.pt");
  return !model && std::string(model.error().what()).find("no_such_model.pt") != std::string::npos ? 0 : 1;
}
