#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tailrace/core/row_traits.h"
#include "tailrace/plan/stage.h"

namespace tailrace {

// How values of In become a row of a model's input, and a row of its output an Out. By default row_traits say so.
template <class In, class Out>
struct Conversion {
  std::function<Result<Tensor>(const In&)>
      to_row;  // one row, without the batch dimension; may borrow the value's memory
  std::function<Result<Out>(const Tensor&)> from_row;  // one row of the output
};

namespace detail {
template <class T>
Result<Tensor> borrow_row(const T& value) {
  if constexpr (requires { row_traits<T>::borrow(value); }) return row_traits<T>::borrow(value);
  else {
    auto row = Tensor::zeros(row_traits<T>::dtype(value), row_traits<T>::shape(value));
    row_traits<T>::write_row(value, row);
    return row;
  }
}
// One row through a model: adds and removes the batch dimension.
Result<Tensor> call_model(const Model& model, const Tensor& row);
}  // namespace detail

// A model as a stage from In to Out. Made by a back end's load (then `model` is set) or by tr::model (then a Registry
// resolves it by name and need). Cheap to copy; several threads may call it.
template <class In, class Out>
class ModelStage {
 public:
  using input = In;
  using output = Out;

  ModelStage(ModelUse use, Conversion<In, Out> conversion)
      : use_(std::move(use)), conversion_(std::make_shared<const Conversion<In, Out>>(std::move(conversion))) {}

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

 private:
  ModelUse use_;
  std::shared_ptr<const Conversion<In, Out>> conversion_;
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
  return {std::move(use), row_conversion<In, Out>()};
}

template <class F>
inline constexpr bool is_model_stage = false;
template <class In, class Out>
inline constexpr bool is_model_stage<ModelStage<In, Out>> = true;

}  // namespace tailrace
