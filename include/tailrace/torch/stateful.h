#pragma once
#include <memory>
#include <string>

#include "tailrace/plan/make_stage.h"
#include "tailrace/torch/torch.h"

// Modules that write to themselves while they run: voice detectors, trackers, whatever remembers.
namespace tailrace::torch {

// A copy of such a module with a state of its own. Moves, and cannot be copied or shared: one caller at a time, and a
// second one that comes nevertheless gets an error instead of somebody else's state.
class StatefulCopy {
 public:
  StatefulCopy(StatefulCopy&&) noexcept;
  StatefulCopy& operator=(StatefulCopy&&) noexcept;
  ~StatefulCopy();
  // As Model::run, but inputs and outputs are copied: a module may keep the one and change the other later. A call that
  // fails may have written to the state.
  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) noexcept;

 private:
  friend class StatefulModel;
  struct Own;
  explicit StatefulCopy(std::unique_ptr<Own> own) noexcept;
  std::unique_ptr<Own> own_;
};

// A module that is never run itself: only copies of it are. Cheap to copy; any threads may ask for copies.
class StatefulModel {
 public:
  // A module in the state that the file has. Attributes that forward may write to are copied deeply; weights are
  // shared, since nothing writes to them. Where LibTorch cannot tell them apart everything is copied.
  Result<StatefulCopy> copy() const;
  bool batched() const noexcept;
  std::string describe() const;

 private:
  friend Result<StatefulModel> open_stateful(const std::string& path, const LoadOptions& options);
  struct Original;
  explicit StatefulModel(std::shared_ptr<const Original> original) noexcept;
  std::shared_ptr<const Original> original_;
};

// Loads a TorchScript file that tr::torch::open refuses because it keeps state; also one that keeps none. Options and
// errors as there; `optimise` has no effect, and warm-up calls are made on a copy that is thrown away.
Result<StatefulModel> open_stateful(const std::string& path, const LoadOptions& options = {});

// What a stateful stage does with a copy: one input, one answer.
struct StatefulStep {
  Result<Tensor> operator()(Result<StatefulCopy>& copy, const Tensor& in) const;
};

// Such a module as a stage from Tensor to Tensor, of one input with its batch dimension where the module wants one.
// Each stream has a copy, made at its first request (Request::stream); or each replica, as the options say.
//
//   auto voice = tr::torch::open_stateful("voice.jit", {.batch_dim = {}, .arguments = {{"sr", 16000}}}).value();
//   auto flow = … chunk.then("voice", tr::torch::stateful(voice)) …;
inline auto stateful(StatefulModel model, StatefulOptions options = {.per_stream = true}) {
  return tailrace::stateful([model = std::move(model)] { return model.copy(); }, StatefulStep{}, options);
}

}  // namespace tailrace::torch
