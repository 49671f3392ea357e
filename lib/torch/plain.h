#pragma once
#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tailrace/core/tensor.h"
#include "torch/pool.h"

namespace torch::jit {
struct Graph;
}

namespace tailrace::torch::detail {

// A feed-forward network as a list of LibTorch's own kernels that write into memory which is used again: linear layers,
// activations, softmax, sums and products. What the interpreter spends on a small call, stacks, dispatch and memory, is
// left out; the kernels are the same, and so are the answers.
class Plain {
 public:
  // The network of a frozen graph of one input; null where there is something else in it. REQUIRES: inference mode is
  // on.
  static std::unique_ptr<Plain> recognise(const ::torch::jit::Graph& graph);

  // Makes ready for inputs of that shape. False: the network cannot take it. Not while calls run.
  bool prepare(DType dtype, const Shape& shape);
  // Forgets what the last prepare() made.
  void discard() { sizes_.pop_back(); }

  std::size_t outputs() const noexcept { return outputs_.size(); }
  // Whether inputs of that shape were prepared.
  bool takes(DType dtype, const Shape& shape) const noexcept { return find(dtype, shape) != nullptr; }
  // One call. Any threads at once. Throws what LibTorch throws. The answers' memory comes back when they are let go.
  // REQUIRES: takes(…), `input` is contiguous, outputs.size() <= outputs(); inference mode is on.
  void run(const Tensor& input, std::span<Tensor> outputs) const;

 private:
  enum class Kind {
    linear,
    clamp,
    sigmoid,
    tanh,
    silu,
    gelu,
    leaky,
    softmax,
    log_softmax,
    add,
    subtract,
    multiply,
    divide
  };
  // A value is the network's input, 0, or what a step gave: that of step i is i + 1.
  struct Step {
    Kind kind;
    int in = 0;
    int other = -1;           // second operand; below 0: `constant`, or none
    at::Tensor weight, bias;  // of linear: the weight turned, [in, out]; bias may be missing
    at::Tensor constant;      // second operand
    at::Scalar number;        // slope, or factor of the second operand
    std::int64_t dim = 0;     // of softmax, 0 or above
    std::string approximate;  // of gelu
  };
  // What one call writes into: a tensor for each buffer. That of the input looks at the caller's memory, those of
  // outputs are lent for one call.
  struct Work {
    std::vector<at::Tensor> buffers;
    at::Tensor input;
  };
  // Answers of one call.
  struct Answer {
    at::Tensor tensor;
    Tensor view;
  };
  struct Sized {
    DType dtype;
    Shape shape;
    std::vector<Shape> buffers;
    mutable Pool<Work> work;
    mutable std::vector<Pool<Answer>> answers;
  };
  class Reader;

  const Sized* find(DType dtype, const Shape& shape) const noexcept;
  std::optional<Shape> shape_after(const Step& step, std::span<const Shape> values) const;
  void place_values();
  static void apply(const Step& step, const at::Tensor& in, const at::Tensor& other, at::Tensor& out);
  bool last_use(int value, std::size_t step) const;
  std::shared_ptr<Work> borrow_work(const Sized& sized, const Tensor& input) const;
  const at::Tensor& value(const Work& work, int v) const { return v == 0 ? work.input : work.buffers[buffer_of_[v]]; }

  std::vector<Step> steps_;
  std::vector<int> outputs_;    // values
  std::vector<int> buffer_of_;  // by value; a step that writes in place shares its input's
  int buffers_ = 0;
  std::vector<std::unique_ptr<Sized>> sizes_;
};

}  // namespace tailrace::torch::detail
