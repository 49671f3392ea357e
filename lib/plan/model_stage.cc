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

}  // namespace

void guard_row(RowCalls& calls, std::size_t i, void (*f)(void* context), void* context) noexcept {
  try {
    f(context);
  } catch (...) {
    calls.fail(i, thrown());
  }
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
    if (status) ended->call->answer(only_row(*ended->model, ended->output));
    else ended->call->answer(status.error());
  };
  Underway& kept = *mine.release();  // `over` frees it
  model->start({&kept.input, 1}, {&kept.output, 1}, kept, executor);
}

}  // namespace tailrace::detail
