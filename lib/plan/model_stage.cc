#include "tailrace/plan/model_stage.h"

#include <new>

namespace tailrace::detail {

namespace {

Error refuse(const Model& model, const std::string& what) {
  return {Code::shape_mismatch, model.describe() + " " + what};
}

// What a started call needs until it is over.
struct Underway : CallEnd {
  std::shared_ptr<const Model> model;
  Tensor input, output;
  std::unique_ptr<LaterCall> call;
};

// Row 0 of an answer to a batch of one.
Result<Tensor> only_row(const Model& model, const Tensor& answer) {
  const Shape& shape = answer.shape();
  if (shape.rank() == 0) return refuse(model, "gave an output without a batch dimension");
  if (shape[0] != 1) return refuse(model, "gave " + name(shape) + " for one row: the first dimension must be 1");
  return answer.row(0);
}

Result<Tensor> row_given(const Model& model, const Tensor& output) {
  if (output.empty() && output.shape().elements() != 0) return refuse(model, "gave no output");
  return model.batched() ? only_row(model, output) : output;
}

}  // namespace

Result<Tensor> call_model(const Model& model, const Tensor& row) {
  const bool batched = model.batched();
  if (batched && row.shape().rank() == Shape::max_rank)
    return refuse(model, "cannot take " + name(row.shape()) + ": no room for a batch dimension");
  const Tensor input = batched ? row.as_batch_of_one() : row;
  Tensor output;
  if (Status status = model.run({&input, 1}, {&output, 1}); !status) return status.error();
  return row_given(model, output);
}

void start_model(const std::shared_ptr<const Model>& model, const Tensor& row, std::unique_ptr<LaterCall> call,
                 Executor* executor) noexcept {
  if (model->batched() && row.shape().rank() == Shape::max_rank)
    return call->answer(refuse(*model, "cannot take " + name(row.shape()) + ": no room for a batch dimension"));
  auto mine = std::unique_ptr<Underway>(new (std::nothrow) Underway);
  if (!mine) return call->answer(Error(Code::out_of_memory, model->describe(), "no memory for this call"));
  mine->model = model;
  mine->input = model->batched() ? row.as_batch_of_one() : row;
  mine->call = std::move(call);
  mine->over = [](CallEnd& end, Status status) noexcept {
    const std::unique_ptr<Underway> ended(static_cast<Underway*>(&end));
    if (status) ended->call->answer(row_given(*ended->model, ended->output));
    else ended->call->answer(status.error());
  };
  Underway& kept = *mine.release();  // `over` frees it
  model->start({&kept.input, 1}, {&kept.output, 1}, kept, executor);
}

}  // namespace tailrace::detail
