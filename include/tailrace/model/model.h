#pragma once
#include <memory>
#include <span>
#include <string>

#include "tailrace/core/tensor.h"

namespace tailrace {

class Executor;

// A call that was started, as the one sees it who waits for its end. `over` is called once, from any thread, possibly
// before start() returns; it must not throw, and nothing of the call is touched afterwards.
struct CallEnd {
  void (*over)(CallEnd&, Status) noexcept = nullptr;
};

// What a back end provides: one loaded network. `run` may be called from several threads at once; a back end whose
// module keeps state between calls must refuse to load it or give each caller a copy of its own.
class Model {
 public:
  virtual ~Model() = default;

  // One call. The first dimension of every tensor counts rows where batched(). Fills `outputs`, whose size says how
  // many are wanted. Tensors may share the back end's memory, which they keep alive. Never throws: what a back end
  // throws comes back as an Error that names the model.
  virtual Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept = 0;

  // Whether calls are computed elsewhere, so that a thread would only wait in run(). Then engines use start().
  virtual bool starts() const noexcept { return false; }
  // How many of them are computed at the same time there; others wait for one to end. 0: not known.
  virtual unsigned at_once() const noexcept { return 0; }
  // Starts the same call, and returns. Inputs, outputs and `end` live until `end.over` was called. `executor`, where
  // there is one, has timers to look with whether the call is over, and lives longer than the call.
  virtual void start(std::span<const Tensor> inputs, std::span<Tensor> outputs, CallEnd& end,
                     Executor* executor) const noexcept {
    (void)executor;
    end.over(end, run(inputs, outputs));
  }

  // The same model, but that its outputs stay where they are computed, for a neighbour there; null: it has no such
  // form.
  virtual std::shared_ptr<const Model> keeping_outputs() const { return nullptr; }

  // Whether tensors carry a batch dimension in front.
  virtual bool batched() const noexcept = 0;
  // One line for people: back end, file, device.
  virtual std::string describe() const = 0;
};

}  // namespace tailrace
