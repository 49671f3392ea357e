#pragma once
#include <cstddef>
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
//
// A row costs the copy of its elements and one view, not objects of its own: of an output there is one view, which
// answer() points at the row that is asked for.
class RowCalls {
 public:
  // So many rows; where all of them go into one call, it runs as `padded` rows. Throws std::bad_alloc.
  void begin(std::size_t rows, std::size_t padded);
  // A row, without the batch dimension; what it borrows must stay until run() has returned. REQUIRES: i < rows, and
  // was not put yet.
  void put(std::size_t i, Tensor row) noexcept;
  void fail(std::size_t i, const Error& error) noexcept;

  // Rows of equal dtype and shape share a call, or with `pad` rows of equal dtype and rank, filled up with zeros to the
  // largest of them. A call that fails is repeated row by row, so that only those rows fail that fail by themselves.
  // Throws std::bad_alloc.
  void run(const Model& model, bool pad);

  // Null: it has an answer, or was never put.
  const Error* failed(std::size_t i) const noexcept { return states_[i] == State::failed ? &errors_[i] : nullptr; }
  bool has_answer(std::size_t i) const noexcept { return states_[i] == State::answered; }
  // A view of a row of the model's output, which it keeps; the next answer() may change it, but no copy of it.
  // REQUIRES: has_answer(i)
  const Tensor& answer(std::size_t i) noexcept {
    Output& output = outputs_[places_[i].output];
    output.row.point_at(output.first + places_[i].offset);
    return output.row;
  }
  // Lets go of rows and answers.
  void end() noexcept;

 private:
  enum class State : std::uint8_t { nothing, waits, answered, failed };
  // What a call gave.
  struct Output {
    Tensor row;  // a view of one of its rows
    char* first;
  };
  // Where a row's answer is: `offset` bytes behind the first row.
  struct Place {
    std::size_t output;
    std::ptrdiff_t offset;
  };

  bool gather(std::size_t first, bool pad);
  void run_group(const Model& model);
  void run_alone(const Model& model, std::size_t k);
  std::optional<Error> run_together(const Model& model);
  Tensor take_buffer(std::size_t rows);
  void keep(Tensor row);

  std::vector<Tensor> rows_;         // that were put
  std::vector<std::size_t> number_;  // of each of them, by which callers know it
  // By number. Places and errors are read only where the state says so, and are not reset.
  std::vector<State> states_;
  std::vector<Place> places_;
  std::vector<Error> errors_;
  std::vector<Output> outputs_;
  std::vector<std::size_t> group_;         // of the call that is made: positions in rows_
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
