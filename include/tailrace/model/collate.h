#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "tailrace/core/tensor.h"
#include "tailrace/model/model.h"

namespace tailrace {

// Rows become one batch: [n, ...] from n rows, copied behind each other, and the rows of `batch` beyond them are filled
// with zeros. A row that is smaller than the batch's rows stands at its beginning, with zeros behind in every
// dimension. REQUIRES: all on the CPU and of one dtype, batch contiguous and of one rank more, with at least as many
// rows, none smaller than these in any dimension
void collate(std::span<const Tensor* const> rows, const Tensor& batch);

// Answers rows of different requests with as few calls of a model as their shapes allow. Its memory is used again for
// the next rows; not for two threads at a time.
//
//   calls.begin(rows.size(), padded);
//   for (i …) calls.put(i, row);           // rows that are not put get no answer
//   calls.run(model, false);
//   if (calls.failed(i)) … *calls.failed(i) … else … calls.answer(i) …
class RowCalls {
 public:
  // So many rows; where all of them go into one call, it runs as `padded` rows. Throws std::bad_alloc.
  void begin(std::size_t rows, std::size_t padded);
  // A row, without the batch dimension; what it borrows must stay until run() has returned.
  void put(std::size_t i, Tensor row);
  void fail(std::size_t i, const Error& error) { errors_[i] = error; }

  // Rows of equal dtype and shape share a call, or with `pad` rows of equal dtype and rank, filled up with zeros to the
  // largest of them. A call that fails is repeated row by row, so that only those rows fail that fail by themselves.
  // Throws std::bad_alloc.
  void run(const Model& model, bool pad);

  // Null: it has an answer, or was never put.
  const Error* failed(std::size_t i) const noexcept { return errors_[i] ? &*errors_[i] : nullptr; }
  bool has_answer(std::size_t i) const noexcept { return states_[i] == answered; }
  // A view of a row of the model's output, which it keeps. REQUIRES: has_answer(i)
  const Tensor& answer(std::size_t i) const noexcept { return answers_[i]; }
  // Lets go of rows and answers.
  void end() noexcept;

 private:
  enum State : std::uint8_t { nothing, waits, answered };
  bool gather(std::size_t first, bool pad);
  void run_group(const Model& model);
  void run_alone(const Model& model, std::size_t i);
  std::optional<Error> run_together(const Model& model);
  Tensor take_buffer(std::size_t rows);

  std::vector<Tensor> rows_, answers_;
  std::vector<State> states_;
  std::vector<std::optional<Error>> errors_;
  std::vector<std::size_t> group_;         // of the call that is made
  std::vector<const Tensor*> group_rows_;  // the same
  Shape shape_;                            // of a row in it
  std::size_t padded_ = 0;
  Tensor buffer_;  // where inputs stand; nobody else holds it between calls
};

// RowCalls for as many threads as need some at a time. From any thread.
class RowCallsPool {
 public:
  std::unique_ptr<RowCalls> take();                          // throws std::bad_alloc
  void give_back(std::unique_ptr<RowCalls> calls) noexcept;  // without rows and answers

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<RowCalls>> free_;
};

namespace detail {
// One row through a model: adds and removes the batch dimension.
Result<Tensor> call_model(const Model& model, const Tensor& row);
// What a model gave for one row, without the batch dimension.
Result<Tensor> only_row(const Model& model, const Tensor& output);
}  // namespace detail

}  // namespace tailrace
