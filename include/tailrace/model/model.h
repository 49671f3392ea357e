#pragma once
#include <span>
#include <string>

#include "tailrace/core/tensor.h"

namespace tailrace {

// What a back end provides: one loaded network. `run` may be called from several threads at once; a back end whose
// module keeps state between calls must refuse to load it or give each caller a copy of its own.
class Model {
 public:
  virtual ~Model() = default;

  // One call. The first dimension of every tensor counts rows where batched(). Fills `outputs`, whose size says how
  // many are wanted. Tensors may share the back end's memory, which they keep alive. Never throws: what a back end
  // throws comes back as an Error that names the model.
  virtual Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept = 0;

  // Whether tensors carry a batch dimension in front.
  virtual bool batched() const noexcept = 0;
  // One line for people: back end, file, device.
  virtual std::string describe() const = 0;
};

}  // namespace tailrace
