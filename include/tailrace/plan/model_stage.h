#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tailrace/core/row_traits.h"
#include "tailrace/model/collate.h"
#include "tailrace/plan/stage.h"

namespace tailrace {

// How values of In become a row of a model's input, and a row of its output an Out. By default row_traits say so.
template <class In, class Out>
struct Conversion {
  std::function<Result<Tensor>(const In&)>
      to_row;  // one row, without the batch dimension; may borrow the value's memory
  std::function<Result<Out>(const Tensor&)> from_row;  // one row of the output
  // Rows of different shapes in one batch are filled up with zeros to the largest of them, for networks that ignore
  // what is filled up; otherwise only rows of one shape share a call.
  bool pad = false;
};

namespace detail {
void guard_row(RowCalls& calls, std::size_t i, void (*f)(void* context), void* context) noexcept;
template <class T>
Result<Tensor> borrow_row(const T& value) {
  if constexpr (requires { row_traits<T>::borrow(value); }) return row_traits<T>::borrow(value);
  else {
    auto row = Tensor::zeros(row_traits<T>::dtype(value), row_traits<T>::shape(value));
    row_traits<T>::write_row(value, row);
    return row;
  }
}
// Does something for one row of a batch, which fails where that throws.
template <class F>
void for_row(RowCalls& calls, std::size_t i, F f) {
  guard_row(
      calls, i, [](void* context) { (*static_cast<F*>(context))(); }, &f);
}
// Whether two stages convert rows in the same way is known by the address of what does so.
template <class In, class Out>
const std::shared_ptr<const Conversion<In, Out>>& shared_row_conversion();

// A call of a model that is computed elsewhere: lives until it is over, and is told of it then.
class LaterCall {
 public:
  virtual ~LaterCall() = default;
  virtual void answer(const Result<Tensor>& row) noexcept = 0;
};
// The same as call_model, later.
void start_model(const std::shared_ptr<const Model>& model, const Tensor& row, std::unique_ptr<LaterCall> call,
                 Executor* executor) noexcept;

template <class Conversion, class Out>
class LaterCallTo final : public LaterCall {
 public:
  LaterCallTo(std::shared_ptr<const Conversion> conversion, Completion<Out> done)
      : conversion_(std::move(conversion)), done_(std::move(done)) {}
  void answer(const Result<Tensor>& row) noexcept override {
    if (!row) return void(done_.fail(row.error()));
#if defined(__cpp_exceptions)
    try {
      convert(*row);
    } catch (...) {
      done_.fail(thrown());
    }
#else
    convert(*row);
#endif
  }

 private:
  void convert(const Tensor& row) {
    Result<Out> out = conversion_->from_row(row);
    if (out) done_.complete(*std::move(out));
    else done_.fail(out.error());
  }
  std::shared_ptr<const Conversion> conversion_;
  Completion<Out> done_;
};

// Makes a model's stage asynchronous where its model starts its calls. It stays so if it is given one later that does
// not: such a model's start() computes before it returns.
void call_as_served(Stage& stage);
// Gives a model's stage its network. REQUIRES: stage.bind
void serve(Stage& stage, std::shared_ptr<const Model> model, std::string variant);
}  // namespace detail

// A model as a stage from In to Out. Made by a back end's load (then `model` is set) or by tr::model (then a Registry
// resolves it by name and need). Cheap to copy; several threads may call it.
template <class In, class Out>
class ModelStage {
 public:
  using input = In;
  using output = Out;

  ModelStage(ModelUse use, Conversion<In, Out> conversion)
      : ModelStage(std::move(use), std::make_shared<const Conversion<In, Out>>(std::move(conversion))) {}
  // Stages of one model that are given one and the same conversion can share batches.
  ModelStage(ModelUse use, std::shared_ptr<const Conversion<In, Out>> conversion)
      : use_(std::move(use)), conversion_(std::move(conversion)), calls_(std::make_shared<RowCallsPool>()) {
    use_.conversion = conversion_.get();
  }

  const ModelUse& use() const { return use_; }
  ModelStage with(std::shared_ptr<const Model> model) const {
    ModelStage copy = *this;
    copy.use_.model = std::move(model);
    return copy;
  }
  // REQUIRES: use().model is set.
  Result<Out> operator()(const In& in) const {
    Result<Tensor> row = conversion_->to_row(in);
    if (!row) return row.error();
    Result<Tensor> answer = detail::call_model(*use_.model, *row);
    if (!answer) return answer.error();
    return conversion_->from_row(*answer);
  }
  // The same for a model that starts its calls. What it is given is read before it returns, but for memory that
  // `to_row` borrows.
  void start(const In& in, Completion<Out> done) const {
    Result<Tensor> row = conversion_->to_row(in);
    if (!row) return void(done.fail(row.error()));
    Executor* const executor = done.about().executor;
    detail::start_model(use_.model, *row,
                        std::make_unique<detail::LaterCallTo<Conversion<In, Out>, Out>>(conversion_, std::move(done)),
                        executor);
  }
  // The same for rows of several requests, with as few calls as their shapes allow. A row that cannot be converted or
  // that the model refuses fails by itself. REQUIRES: use().model is set.
  void answer(Batch<In, Out>& batch) const {
    auto calls = calls_->take();
    calls->begin(batch.size(), batch.padded());
    for (std::size_t i = 0; i < batch.size(); ++i)
      detail::for_row(*calls, i, [&] {
        Result<Tensor> row = conversion_->to_row(batch.in(i));
        if (row) calls->put(i, *std::move(row));
        else calls->fail(i, row.error());
      });
    calls->run(*use_.model, conversion_->pad);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (calls->has_answer(i))
        detail::for_row(*calls, i, [&] {
          Result<Out> value = conversion_->from_row(calls->answer(i));
          if (value) batch.put(i, *std::move(value));
          else calls->fail(i, value.error());
        });
      if (const Error* error = calls->failed(i)) batch.fail(i, *error);
    }
    calls_->give_back(std::move(calls));
  }

 private:
  ModelUse use_;
  std::shared_ptr<const Conversion<In, Out>> conversion_;
  std::shared_ptr<RowCallsPool> calls_;
};

template <class In, class Out>
Conversion<In, Out> row_conversion() {
  static_assert(row_writable<In>, "tailrace: row_traits of the model's input type are missing; see core/row_traits.h");
  static_assert(row_readable<Out>,
                "tailrace: row_traits of the model's output type are missing; see core/row_traits.h");
  return {detail::borrow_row<In>, [](const Tensor& row) { return row_traits<Out>::read_row(row); }};
}

// A model by name and need: resolved in a Registry by `optimise`.
template <class In, class Out>
ModelStage<In, Out> model(std::string name, Need need = {}) {
  ModelUse use;
  use.name = std::move(name);
  use.need = need;
  return {std::move(use), detail::shared_row_conversion<In, Out>()};
}

template <class In, class Out>
const std::shared_ptr<const Conversion<In, Out>>& detail::shared_row_conversion() {
  static const auto shared = std::make_shared<const Conversion<In, Out>>(row_conversion<In, Out>());
  return shared;
}

template <class F>
inline constexpr bool is_model_stage = false;
template <class In, class Out>
inline constexpr bool is_model_stage<ModelStage<In, Out>> = true;

}  // namespace tailrace
