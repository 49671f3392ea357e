#include "torch/aoti.h"

#include <c10/core/InferenceMode.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <thread>

#include "torch/convert.h"
#include "torch/guard.h"
#include "torch/libtorch_version.h"
#include "torch/rows.h"
#include "torch/threads.h"

namespace tailrace::torch::detail {

namespace {

using Loader = ::torch::inductor::AOTIModelPackageLoader;

// With as many calls at a time as there are processors, which share the weights; further ones wait inside of it.
// LibTorch 2.7 and before cannot say how many: there it is one.
template <class L>
std::unique_ptr<L> loader_of(const std::string& path) {
  const std::size_t calls = std::max(1u, std::thread::hardware_concurrency());
  if constexpr (std::is_constructible_v<L, const std::string&, const char*, bool, std::size_t>)
    return std::make_unique<L>(path, "model", false, calls);
  else return std::make_unique<L>(path, "model", false);
}

// Compiled code knows the sizes that it was compiled for, and checks nothing: given anything else it reads beyond its
// inputs, or answers wrongly without a word. So it is called only with what LoadOptions say and try() has seen.
class Package final : public Model {
 public:
  Package(std::string name, const std::string& path, LoadOptions options)
      : name_(std::move(name)),
        file_(std::filesystem::path(path).filename().string()),
        options_(std::move(options)),
        loader_(loader_of<Loader>(path)) {}

  // Calls it with every batch size. In memory with much room behind the inputs: what it answers must not depend on what
  // stands there, and must have as many rows. And with the same row everywhere: its answer must not depend on its
  // place. Throws what LibTorch throws.
  Status try_sizes() {
    for (const auto n : batches_of(options_)) {
      if (Status fit = try_size(n); !fit) return fit;
      if (Status fit = try_places(n); !fit) return fit;
    }
    return {};
  }

  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    try {
      if (Status fit = check(inputs); !fit) return fit;
      const IntraOp threads(static_cast<int>(options_.threads));
      const Quiet quiet;
      const c10::InferenceMode inference;
      std::vector<at::Tensor> taken;
      taken.reserve(inputs.size());
      for (const Tensor& input : inputs) {
        taken.push_back(borrow(input));
        if (!input.contiguous()) taken.back() = taken.back().contiguous();
      }
      return deliver(call(taken), taken, inputs, outputs);
    } catch (...) {
      return caught(Code::stage_failed, name_);
    }
  }
  bool batched() const noexcept override { return options_.batch_dim.has_value(); }
  std::string describe() const override { return "LibTorch " TORCH_VERSION " package " + file_ + " on cpu"; }

 private:
  Error refuse(Code code, const std::string& what) const { return {code, name_, what}; }
  std::vector<at::Tensor> call(const std::vector<at::Tensor>& taken) const { return loader_->run(taken); }

  Status check(std::span<const Tensor> inputs) const {
    if (inputs.size() != options_.rows.size())
      return refuse(Code::bad_value,
                    "takes " + std::to_string(options_.rows.size()) + " inputs, got " + std::to_string(inputs.size()));
    if (Status fit = check_inputs(name_, options_, inputs); !fit || !batched()) return fit;
    const auto n = inputs[0].shape()[0];
    for (std::size_t i = 1; i < inputs.size(); ++i)
      if (inputs[i].shape()[0] != n)
        return refuse(Code::shape_mismatch, "inputs differ in their number of rows: " + std::to_string(n) + " and " +
                                                std::to_string(inputs[i].shape()[0]));
    if (std::ranges::count(options_.batches, n) != 0) return {};
    std::string known;
    for (const auto b : options_.batches) known += (known.empty() ? "" : ", ") + std::to_string(b);
    return refuse(Code::shape_mismatch,
                  "takes batches of " + known + " (LoadOptions::batches), got " + std::to_string(n));
  }

  Status deliver(std::vector<at::Tensor> given, const std::vector<at::Tensor>& taken, std::span<const Tensor> inputs,
                 std::span<Tensor> outputs) const {
    if (given.size() < outputs.size())
      return refuse(Code::bad_value, "gave " + std::to_string(given.size()) + " tensors, " +
                                         std::to_string(outputs.size()) + " are wanted");
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (Status fit = check_output(name_, options_, inputs, Shape(std::span(given[i].sizes())), i); !fit) return fit;
      const bool lent = lends_state_ || std::ranges::any_of(taken, [&](auto& t) { return given[i].is_alias_of(t); });
      std::string bad;
      outputs[i] = lend(lent ? given[i].clone() : std::move(given[i]), nullptr, bad);
      if (!bad.empty()) return refuse(Code::unsupported, "output " + std::to_string(i) + " is " + bad);
    }
    return {};
  }

  Status try_size(std::int64_t n) {
    const auto inputs = inputs_of(options_, n, true);
    std::vector<std::vector<at::Tensor>> answers;
    for (const int behind : {0, 0x3f}) {
      std::vector<Tensor> roomy;
      for (const Tensor& input : inputs) roomy.push_back(with_room(input, behind));
      std::vector<at::Tensor> taken;
      for (const Tensor& input : roomy) taken.push_back(borrow(input));
      answers.push_back(call(taken));
      for (std::size_t i = 0; i < answers.back().size(); ++i) {
        const Shape shape(std::span(answers.back()[i].sizes()));
        if (Status fit = check_output(name_, options_, inputs, shape, i); !fit) return fit;
      }
    }
    for (std::size_t i = 0; i < answers[0].size(); ++i) {
      const at::Tensor &a = answers[0][i], &b = answers[1][i];
      if (a.numel() > 0 && a.data_ptr() == b.data_ptr()) lends_state_ = true;
      if (!a.equal(b))
        return refuse(Code::shape_mismatch, "reads beyond inputs of the given rows" +
                                                (n > 0 ? " at a batch of " + std::to_string(n) : std::string()) +
                                                ": it was compiled for another shape");
    }
    return {};
  }

  // Places may be computed by other kernels: the last bits may differ.
  Status try_places(std::int64_t n) {
    if (n < 2) return {};
    std::vector<at::Tensor> taken;
    for (const Tensor& input : inputs_of(options_, n, true)) taken.push_back(borrow(input).clone());
    for (const at::Tensor& t : taken) t.copy_(t[0].unsqueeze(0).expand_as(t).clone());
    for (const at::Tensor& given : call(taken)) {
      const at::Tensor rows = given.to(at::kDouble), first = rows[0].unsqueeze(0).expand_as(rows);
      const double scale = rows.numel() > 0 ? rows.abs().max().item<double>() : 0;
      if (!rows.allclose(first, 0, 1e-2 * scale, true))
        return refuse(Code::shape_mismatch, "answers one row differently at different places in a batch of " +
                                                std::to_string(n) + ": it was compiled for another shape");
    }
    return {};
  }

  // The same elements at the beginning of more memory, which is filled with such bytes.
  static Tensor with_room(const Tensor& input, int behind) {
    const auto bytes = static_cast<std::size_t>(input.shape().elements()) * size_of(input.dtype());
    const auto room = static_cast<std::int64_t>(std::max(16 * bytes, std::size_t{1} << 20));
    const Tensor memory = Tensor::zeros(DType::uint8, {room});
    std::memset(memory.data(), behind, static_cast<std::size_t>(room));
    std::memcpy(memory.data(), input.data(), bytes);
    return Tensor::view(memory.data(), input.dtype(), input.shape(), memory.owner());
  }

  const std::string name_, file_;
  const LoadOptions options_;
  const std::unique_ptr<Loader> loader_;
  bool lends_state_ = false;  // an answer is memory of the package's own
};

Status check_trust(const std::string& name, const LoadOptions& options) {
  if (!options.trust_native_code)
    return Error{
        Code::unsupported, name,
        "holds machine code, which would run with the rights of this process; set trust_native_code to load it"};
  if (options.rows.empty())
    return Error{Code::bad_value, name,
                 "needs rows, one for each input: compiled code does not check the shapes that it is given"};
  if (!options.arguments.empty())
    return Error{Code::unsupported, name, "takes tensors only; arguments are fixed when a package is exported"};
  return {};
}

}  // namespace

bool is_package(const std::string& path) { return path.ends_with(".pt2"); }

Result<std::shared_ptr<const Model>> open_package(const std::string& path, const LoadOptions& options) {
  const std::string name = name_of(path, options);
  if (Status fit = check_trust(name, options); !fit) return fit.error();
  const IntraOp threads(static_cast<int>(options.threads));
  const Quiet quiet;
  const c10::InferenceMode inference;
  std::shared_ptr<Package> package;
  try {
    package = std::make_shared<Package>(name, path, options);
  } catch (...) {
    return caught(Code::bad_file, name, "not an AOTInductor package for this machine: ");
  }
  try {
    if (Status fit = package->try_sizes(); !fit) return fit.error();
  } catch (...) {
    return caught(Code::shape_mismatch, name, "warm-up failed: ");
  }
  if (Status warm = warm_up(name, *package, options); !warm) return warm.error();
  return std::shared_ptr<const Model>(std::move(package));
}

}  // namespace tailrace::torch::detail
