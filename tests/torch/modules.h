#pragma once
// LibTorch and Catch2 both define CHECK: the tests' own stands.
#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/frontend/sugared_value.h>
#undef CHECK

#include <catch2/catch.hpp>
#include <filesystem>

#include "cli/networks.h"
#include "tailrace/torch/torch.h"

// Small modules, written to files and opened.
namespace tr = tailrace;
namespace jit = torch::jit;
namespace fs = std::filesystem;
using tr::Code;
using tr::DType;
using tr::Shape;
using tr::Tensor;

// A folder for one test, removed with it.
struct Folder {
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "tailrace-torch-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
  fs::path path;
};

using Setup = std::function<void(jit::Module&)>;
using Opened = tr::Result<std::shared_ptr<const tr::Model>>;

// Lets test modules say fork(self.work, x), as files made with Python's torch.jit.fork do.
struct ForkToo : jit::Resolver {
  std::shared_ptr<jit::SugaredValue> resolveValue(const std::string& name, jit::GraphFunction& function,
                                                  const jit::SourceRange& where) override {
    if (name == "fork") return jit::SpecialFormValue::create(c10::prim::fork);
    return jit::nativeResolver()->resolveValue(name, function, where);
  }
};

inline jit::Module build(const std::string& source, const Setup& setup = {}) {
  jit::Module module("Net");
  if (setup) setup(module);
  module.define(source, std::make_shared<ForkToo>());
  return module;
}

inline Opened opened(jit::Module module, const tr::torch::LoadOptions& options = {}) {
  const Folder folder;
  module.save(folder.file("net.pt"));
  return tr::torch::open(folder.file("net.pt"), options);
}

inline Opened opened(const std::string& source, const Setup& setup = {}, const tr::torch::LoadOptions& options = {}) {
  return opened(build(source, setup), options);
}

inline const tr::torch::LoadOptions unbatched{.batch_dim = std::nullopt};

// The code and text of what must fail.
template <class T>
std::string failure(const tr::Result<T>& result) {
  if (result) return "no failure";
  return std::string(tr::name(result.error().code())) + ": " + std::string(result.error().what());
}

inline tr::Result<Tensor> ask(const tr::Model& model, std::vector<Tensor> inputs) {
  Tensor output;
  if (auto status = model.run(inputs, {&output, 1}); !status) return status.error();
  return output;
}

inline Tensor floats(std::vector<float> values, const Shape& shape) {
  auto owner = std::make_shared<std::vector<float>>(std::move(values));
  return Tensor::view(owner->data(), DType::float32, shape, owner);
}

inline std::vector<float> values(const Tensor& t) {
  const Tensor flat = t.contiguous() ? t : t.contiguous_copy();
  return {flat.as<float>().begin(), flat.as<float>().end()};
}

// Where the user's cache has it, as docs/install.sh and docs/models/export.py put it there.
inline fs::path in_cache(const fs::path& name) {
  const auto folder = tr::cli::default_cache(name.string());
  return folder ? fs::path(*folder) : fs::path();
}
// Whether a file that is no part of the repository is there; if not, says what makes it.
inline bool found_or_skipped(const fs::path& file, const std::string& how) {
  const bool there = fs::exists(file);
  if (!there) WARN("SKIPPED: no " << file << ": " << how);
  return there;
}

inline const std::string linear = "def forward(self, x):\n  return torch.linear(x, self.w, self.b)\n";
inline void linear_weights(jit::Module& m) {
  m.register_parameter("w", at::arange(12, at::kFloat).reshape({3, 4}), false);
  m.register_parameter("b", at::ones({3}), false);
}
