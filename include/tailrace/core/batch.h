#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "tailrace/core/context.h"
#include "tailrace/core/error.h"
#include "tailrace/core/type.h"

namespace tailrace {

namespace detail {

// One row of a batch: one call of the stage for one request. Everything in it belongs to whoever runs the request.
struct BatchRow {
  void* in;
  void* out;   // raw memory for the value
  char* live;  // the byte that says "the value exists"; null where nobody asks
  const StopFlag* flag;
  const RequestView* request;
  bool done;  // has its value or its error
  void* frame;
  const void* step;
  void (*fail)(const BatchRow&, const Error&) noexcept;
};

// One call of a batch stage. `padded`: as how many rows it had better run, where that is quicker; never fewer.
struct BatchCall {
  BatchRow* rows;
  std::size_t count;
  std::uint32_t padded;
};

}  // namespace detail

// What a batch stage gets: rows of different requests, to be answered together.
//
//   void classify(tr::Batch<Image, Label>& batch) {
//     for (std::size_t i = 0; i < batch.size(); ++i) batch.put(i, look_at(batch.in(i)));
//   }
//
// Rows live in separate frames: nothing is contiguous, and Out needs no default constructor. Each row gets a value or
// an error of its own; a row that gets neither fails, and so do the rows left when the stage throws. Valid during the
// call only. One thread at a time.
template <class In, class Out>
class Batch {
 public:
  explicit Batch(const detail::BatchCall& call) noexcept : rows_(call.rows, call.count), padded_(call.padded) {}

  std::size_t size() const noexcept { return rows_.size(); }
  // As how many rows the call had better run: size(), or more where the stage's table of times says that a larger call
  // is quicker. What stands in the further rows does not matter.
  std::size_t padded() const noexcept { return padded_; }
  // REQUIRES for all of these: i < size().
  const In& in(std::size_t i) const noexcept { return detail::in_slot<In>(rows_[i].in); }

  // The row's value. Only the first value or error of a row counts.
  void put(std::size_t i, Out value) {
    detail::BatchRow& row = rows_[i];
    if (row.done) return;
    detail::emplace_in_slot<Out>(row.out, std::move(value));
    if (row.live) *row.live = 1;
    row.done = true;
  }
  void fail(std::size_t i, const Error& error) noexcept {
    detail::BatchRow& row = rows_[i];
    if (row.done) return;
    row.fail(row, error);
    row.done = true;
  }

  // True once nobody wants the row's answer any more: it need not be computed.
  bool stopped(std::size_t i) const noexcept { return Context(*rows_[i].flag, *rows_[i].request).stop_requested(); }
  TimePoint deadline(std::size_t i) const noexcept { return rows_[i].request->deadline; }
  // The earliest one of all rows, or `never`.
  TimePoint earliest_deadline() const noexcept {
    TimePoint first = never;
    for (const auto& row : rows_) first = row.request->deadline < first ? row.request->deadline : first;
    return first;
  }

 private:
  std::span<detail::BatchRow> rows_;
  std::size_t padded_;
};

}  // namespace tailrace
