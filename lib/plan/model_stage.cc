#include "tailrace/plan/model_stage.h"

namespace tailrace::detail {

namespace {

Error refuse(const Model& model, const std::string& what) {
  return {Code::shape_mismatch, model.describe() + " " + what};
}

// Row 0 of an answer to a batch of one.
Result<Tensor> only_row(const Model& model, const Tensor& answer) {
  const Shape& shape = answer.shape();
  if (shape.rank() == 0) return refuse(model, "gave an output without a batch dimension");
  if (shape[0] != 1) return refuse(model, "gave " + name(shape) + " for one row: the first dimension must be 1");
  return answer.row(0);
}

}  // namespace

Result<Tensor> call_model(const Model& model, const Tensor& row) {
  const bool batched = model.batched();
  if (batched && row.shape().rank() == Shape::max_rank)
    return refuse(model, "cannot take " + name(row.shape()) + ": no room for a batch dimension");
  const Tensor input = batched ? row.as_batch_of_one() : row;
  Tensor output;
  if (Status status = model.run({&input, 1}, {&output, 1}); !status) return status.error();
  if (output.empty() && output.shape().elements() != 0) return refuse(model, "gave no output");
  return batched ? only_row(model, output) : output;
}

}  // namespace tailrace::detail
