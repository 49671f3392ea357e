#pragma once
#include <torch/csrc/jit/api/module.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tailrace/torch/torch.h"
#include "torch/effects.h"
#include "torch/plain.h"

namespace tailrace::torch::detail {

// A parameter of forward.
struct Argument {
  std::optional<c10::IValue> fixed;      // its value in every call; none: a tensor of the caller's
  std::optional<c10::IValue> otherwise;  // where the caller gives none
};

// What a TorchScript file was found to hold.
struct Script {
  std::string name, file;
  LoadOptions options;
  jit::Module module;
  Effects effects;
  std::vector<Argument> arguments;  // of forward, without the module
  std::size_t least = 0, most = 0;  // tensors that the caller gives
};

// Reads a file into a module in evaluation mode, with weights made constants where LibTorch can; modules that cannot be
// called with tensors alone are refused. Calls nothing. Errors: bad_file, unsupported, unknown_name, bad_value.
Result<Script> read_script(const std::string& path, const LoadOptions& options);

// One module as a Model. `forward` writes to nothing that outlives a call, or there is one caller at a time.
class ScriptModel final : public Model {
 public:
  explicit ScriptModel(Script script);

  // Looks for faster ways to get the same answers, and keeps the fastest for each batch size. Before the first call.
  void find_ways();

  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override;
  bool batched() const noexcept override { return script_.options.batch_dim.has_value(); }
  std::string describe() const override;

 private:
  // How a call is answered: by LibTorch's interpreter, the module as it is or rewritten for oneDNN, or without it.
  enum class Way : std::uint8_t { frozen, optimised, plain };
  struct Choice {
    std::int64_t rows;
    Way way;
  };

  Status check(std::span<const Tensor> inputs) const;
  Way way_of(std::int64_t rows) const noexcept;
  Status run(Way way, std::span<const Tensor> inputs, std::span<Tensor> outputs) const;
  c10::IValue call(const jit::Method& forward, std::span<const Tensor> inputs, std::vector<at::Tensor>& taken) const;
  Status deliver(const c10::IValue& answer, const std::vector<at::Tensor>& taken, std::span<const Tensor> inputs,
                 std::span<Tensor> outputs) const;
  std::shared_ptr<void> detach(at::Tensor& given, const std::vector<at::Tensor>& taken,
                               std::span<const Tensor> inputs) const;
  bool plain_is_equal(std::int64_t rows);
  bool optimised_is_faster(std::int64_t rows, Way other) const;
  void find_ways(std::int64_t rows, std::vector<Choice>& choices);

  Script script_;
  jit::Method frozen_;
  std::optional<jit::Method> optimised_;
  std::unique_ptr<Plain> plain_;
  std::vector<Choice> choices_;
};

}  // namespace tailrace::torch::detail
