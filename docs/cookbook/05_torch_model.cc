// A cascade of two TorchScript models. Their files are usually exported by torch.jit.save in Python or C++; here two
// small ones are written first, so that the recipe needs nothing but LibTorch.
#include <tailrace/tailrace.h>
#include <tailrace/torch/torch.h>
#include <torch/csrc/jit/api/module.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace tr = tailrace;
namespace fs = std::filesystem;

using Pixels = std::array<float, 4>;  // fixed shapes are checked and warmed up when a model is loaded
using Scores = std::array<float, 2>;

// A linear layer and a softmax. The weights are constants, so that answers are known.
void write_model(const fs::path& file, double contrast) {
  torch::jit::Module module("Net");
  module.register_parameter("weight", at::tensor({1.f, -1.f, 1.f, -1.f, -1.f, 1.f, -1.f, 1.f}).reshape({2, 4}), false);
  module.register_attribute("contrast", c10::FloatType::get(), contrast);
  module.define("def forward(self, x):\n  return torch.softmax(self.contrast * torch.linear(x, self.weight), 1)\n");
  module.save(file.string());
}

bool confident(const Scores& scores) { return std::abs(scores[0] - scores[1]) > 0.5; }
std::string best(const Scores& scores) { return scores[0] > scores[1] ? "stripes" : "inverted stripes"; }

int main() {
  const fs::path folder = fs::temp_directory_path() / "tailrace_recipe_05";
  fs::create_directories(folder);
  write_model(folder / "tiny.pt", 1);
  write_model(folder / "large.pt", 8);

  // How values become tensors and back is a trait of their types: std::array of numbers needs nothing more.
  auto tiny = tr::torch::load<Pixels, Scores>((folder / "tiny.pt").string()).value();
  auto large = tr::torch::load<Pixels, Scores>((folder / "large.pt").string()).value();

  auto classify = tr::flow<Pixels>("classify", [&](tr::Stream<Pixels> pixels) {
    return tr::cascade("scores", pixels, tr::exit_if(tiny, confident), large).then("best", best);
  });
  auto engine = tr::start(classify, {.threads = 2}).value();
  for (const Pixels& pixels : {Pixels{1, 0, 1, 0}, Pixels{0.1f, 0.2f, 0.1f, 0.1f}}) {
    auto label = engine.run(pixels);
    std::cout << label.value() << ", rung " << label.rung << "\n";
  }

  // What cannot work is an error by value when the model is loaded, not when the first request comes.
  using Wide = std::array<float, 5>;
  std::ofstream(folder / "text.pt") << "not a model";
  for (std::string name : {"missing.pt", "text.pt", "tiny.pt"}) {
    auto model = tr::torch::load<Wide, Scores>((folder / name).string());
    std::cout << name << ": " << tr::name(model.error().code()) << "\n";
  }
  fs::remove_all(folder);
}
