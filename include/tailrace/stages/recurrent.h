#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "tailrace/model/model.h"
#include "tailrace/plan/make_stage.h"

namespace tailrace::stages {

// One step of a network that remembers, with its memory outside of it: the model takes an input and its state, one
// tensor or more, and gives an answer and its next state. A step that fails leaves the state as it was.
struct RecurrentStep {
  std::shared_ptr<const Model> model;
  // `in` is the model's first input as it is, with a batch dimension where the model wants one.
  Result<Tensor> operator()(std::vector<Tensor>& state, const Tensor& in) const;
};

// Such a network as a stage from Tensor to Tensor. `first` is the state at the beginning of each stream; a stream's
// requests find the state that the one before them left (Request::stream), and different streams run at the same time.
//
//   auto voice = chunk.then("voice", tr::stages::recurrent(model, {Tensor::zeros(DType::float32, {2, 1, 128})}));
//
// REQUIRES: model is set, and does not write to its inputs.
inline auto recurrent(std::shared_ptr<const Model> model, std::vector<Tensor> first,
                      StatefulOptions options = {.per_stream = true}) {
  return stateful([first = std::move(first)] { return first; }, RecurrentStep{std::move(model)}, options);
}

}  // namespace tailrace::stages
