#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tailrace/plan/model_stage.h"

// LibTorch models. Needs the target tailrace::torch; includes nothing of LibTorch.
namespace tailrace::torch {

// One row of one input, without the batch dimension.
struct Row {
  DType dtype = DType::float32;
  Shape shape;
  bool operator==(const Row&) const = default;
};

struct LoadOptions {
  // Which dimension of inputs and outputs counts rows: the first, or none.
  std::optional<int> batch_dim = 0;
  // One row of each input, in the order of `forward`'s parameters; empty: unknown. Known rows are checked at every
  // call and warmed up. TorchScript files do not say them; the typed `load` fills them in where In has a fixed shape.
  std::vector<Row> rows = {};

  // Calls for every batch size, on zeros, before `load` returns: the first two calls of a shape are many times slower
  // than later ones. Where rows are unknown there is nothing to call with, and the first requests pay. 0: none.
  int warm_up = 3;
  std::vector<std::int64_t> batches = {1};
  // Lets LibTorch rewrite the module for oneDNN. Changes the last bits of answers, and may gain or lose: at batch 1 a
  // small perceptron became a quarter faster and small convolutional networks about half as fast, which at batch 32
  // were twice as fast. Measure.
  bool optimise = false;
  // The model's name in plans and errors; empty: the file's name without its extension.
  std::string name = {};
};

// Loads a TorchScript file onto the CPU, in evaluation mode and frozen.
//
//   auto model = tr::torch::open("tiny.pt", {.rows = {{tr::DType::float32, {64}}}});
//   if (!model) log(model.error().where(), model.error().what());
//
// Any threads may run the model at once. Each call computes on the thread that makes it: LibTorch's own threads are
// switched off for the length of the call, and the caller's settings stand as before afterwards. Inputs are not
// copied; outputs live in LibTorch's memory, which they keep. Tuples and lists of tensors are outputs one after
// another, nested ones too; fewer may be wanted than there are. Nothing is printed.
// Errors: bad_file for what is no TorchScript file; unsupported for modules that write to their own attributes while
// they run (shared calls would disturb each other), or whose `forward` takes or gives other things than tensors;
// stage_failed with LibTorch's message where a warm-up call fails.
Result<std::shared_ptr<const Model>> open(const std::string& path, const LoadOptions& options = {});

// What was found of LibTorch in this process, one fact a line: versions, processor, threads.
std::string report();

namespace detail {
ModelUse use_of(const std::string& path, const LoadOptions& options, std::shared_ptr<const Model> model);

template <class T>
inline constexpr bool fixed_row = tailrace::detail::element_of<T>::dense;
template <class T>
Row row_of() {
  return {row_traits<T>::dtype(T{}), row_traits<T>::shape(T{})};
}
}  // namespace detail

// The same as a stage from In to Out, with conversions given.
//
//   tr::Conversion<Image, Label> conversion{to_row, from_row};
//   auto net = tr::torch::load<Image, Label>("net.pt", {.rows = {{tr::DType::float32, {3, 224, 224}}}}, conversion);
template <class In, class Out>
Result<ModelStage<In, Out>> load(const std::string& path, const LoadOptions& options, Conversion<In, Out> conversion) {
  auto model = open(path, options);
  if (!model) return model.error();
  return ModelStage<In, Out>(detail::use_of(path, options, *std::move(model)), std::move(conversion));
}

// The same with conversions by row_traits.
//
//   auto tiny = tr::torch::load<std::array<float, 64>, std::array<float, 10>>("tiny.pt").value();
//
// Where both types have a fixed shape, a model that does not fit them is refused here.
template <class In, class Out>
Result<ModelStage<In, Out>> load(const std::string& path, LoadOptions options = {}) {
  if constexpr (detail::fixed_row<In>)
    if (options.rows.empty()) options.rows = {detail::row_of<In>()};
  auto stage = load<In, Out>(path, options, row_conversion<In, Out>());
  if constexpr (detail::fixed_row<In> && detail::fixed_row<Out>) {
    if (!stage || options.warm_up == 0) return stage;
    if (auto answer = (*stage)(In{}); !answer) return answer.error();
  }
  return stage;
}

}  // namespace tailrace::torch
