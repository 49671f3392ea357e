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

// Whether LibTorch rewrites a module for oneDNN, which changes the last bits of answers, and may gain or lose: at batch
// 1 a small perceptron became a quarter faster and small convolutional networks about half as fast, which at batch 32
// were twice as fast. `automatic` times both for every batch size before `load` returns, tens of milliseconds each, and
// keeps the faster one; describe() says which.
enum class Optimise : std::uint8_t { off, on, automatic };

struct LoadOptions {
  // Which dimension of inputs and outputs counts rows: the first, or none.
  std::optional<int> batch_dim = 0;
  // One row of each input, in the order of `forward`'s tensors; empty: unknown. Known rows are checked at every call
  // and warmed up. TorchScript files do not say them; the typed `load` fills them in where In has a fixed shape.
  std::vector<Row> rows = {};
  // Values for parameters of `forward` that are no tensors, by name: {{"rate", 16000}}. Others keep their defaults.
  Parameters arguments = {};

  // Calls for every batch size, on zeros, before `load` returns: the first two calls of a shape are many times slower
  // than later ones. Where rows are unknown there is nothing to call with, and the first requests pay. 0: none.
  int warm_up = 3;
  // The batch sizes that will come. Others are answered too, but their first calls are slow, and stay with LibTorch's
  // interpreter; an AOTInductor package takes these only.
  std::vector<std::int64_t> batches = {1};
  Optimise optimise = Optimise::off;
  // On how many threads one call computes, the calling one among them, whichever thread that is. More than one asks for
  // threads of LibTorch's own beside it; give the stage a limit, so that calls at a time times threads a call does not
  // exceed the processors (tr::stage(net, {.limit = 1})).
  unsigned threads = 1;
  // AOTInductor packages hold machine code, which runs with the rights of this process. True: you trust the file.
  bool trust_native_code = false;
  // The model's name in plans and errors; empty: the file's name without its extension.
  std::string name = {};
};

// Loads a TorchScript file, or an AOTInductor package (.pt2), onto the CPU; TorchScript in evaluation mode and frozen.
//
//   auto model = tr::torch::open("tiny.pt", {.rows = {{tr::DType::float32, {64}}}});
//   if (!model) log(model.error().where(), model.error().what());
//
// Any threads may run the model at once. Each call computes on the thread that makes it, and on more only where
// `threads` says so; the caller's settings stand as before afterwards. Inputs are not copied; outputs live in memory of
// the model's, which they keep, and which is used again once they let go of it. Tuples and lists of tensors are outputs
// one after another, nested ones too; fewer may be wanted than there are. Nothing is printed.
// A feed-forward network of linear layers, activations, softmax, sums and products is called without the interpreter,
// kernel by kernel into memory that is used again, for each batch size for which that gives the same bits.
// Errors: bad_file for what is no such file; unsupported for modules that write to their own attributes while they run
// (shared calls would disturb each other; open_stateful gives each caller a copy), or whose `forward` takes or gives
// other things than tensors; stage_failed with LibTorch's message where a warm-up call fails.
Result<std::shared_ptr<const Model>> open(const std::string& path, const LoadOptions& options = {});

// What was found of LibTorch in this process.
struct Report {
  std::string libtorch;  // versions
  std::string openmp;    // its version and library; more than one library: each brings threads of its own
  std::string blas;      // what multiplies matrices
  std::string onednn;
  std::string isa;        // the instruction set of LibTorch's kernels here
  std::string allocator;  // whose malloc, and whether reuse_memory() stands before it
  bool limited = false;   // whether threads of calls are limited: OpenMP was found
  int threads = 0;        // that LibTorch would use for a call of this thread's, were it not ours
  int processors = 0;
  std::string text() const;  // one fact a line
};
Report report();

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
