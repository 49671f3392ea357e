#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "tailrace/core/exit.h"
#include "tailrace/model/model.h"
#include "tailrace/plan/make_stage.h"

// Networks with early exits as stages of `staged`: the network is cut into segments, each a model of its own with a
// classifier behind it. A segment gives scores and features; rows whose scores are clear leave with them, and the rest
// goes on as a smaller batch.
//
//   auto net = tr::staged("net", batch, tr::stages::first_segment(a, 0.9), tr::stages::next_segment(b, 0.9),
//                         tr::stages::last_segment(c));
namespace tailrace::stages {

// Whether the probability of the likeliest class is `least` or more, where softmax makes probabilities of scores. Most
// rows are told by their two largest scores alone; powers are taken only of the others. A score that is infinite or no
// number makes its row stay. Copies are independent; several threads may ask one.
class ExitTest {
 public:
  // REQUIRES: 0 <= least <= 1.
  explicit ExitTest(double least) noexcept;
  double least() const noexcept { return least_; }

  bool leaves(std::span<const float> scores) const noexcept { return find_staying(scores, 1, nullptr) == 0; }
  // Writes the numbers of the rows that stay to `staying`, in order, and gives how many they are. REQUIRES: scores are
  // `rows` rows of one or more, one after another; room for `rows` numbers, or null.
  std::size_t find_staying(std::span<const float> scores, std::size_t rows, std::int32_t* staying) const noexcept;

 private:
  bool clear(double gap, std::span<const float> row, double first, double log_others) const noexcept;

  double least_;
  double room_;      // what powers of all others may add up to, in units of the likeliest one's: 1 / least - 1
  double log_room_;  // its logarithm
};

// Copies rows [which] of `rows` to `out`, one after another. REQUIRES: `width` bytes a row; room for all of them;
// `out` overlaps none.
void compact(const void* rows, std::size_t width, std::span<const std::int32_t> which, void* out) noexcept;

// What a network said of a batch.
struct EarlyAnswers {
  Tensor scores;                    // [rows, classes] of float32
  std::vector<std::uint8_t> exits;  // at which segment each row left, from 0
};

// A batch on its way: what is left of it, and what has left.
struct Survivors {
  Tensor features;                 // of the rows that are left, what the next segment takes
  std::vector<std::int32_t> rows;  // which ones they are
  EarlyAnswers answers;            // those of the others are filled in
  std::uint8_t segment = 0;        // that comes next
};
using EarlyExit = Exit<EarlyAnswers, Survivors>;

// The first segment takes a whole batch, [rows, ...]; those behind it take what is left. Each model gives scores
// [rows, classes] of float32, the same classes everywhere, and features [rows, ...]; the last one's features are not
// asked for. Features are copied only where some rows leave and others stay. A batch leaves when its last row does.
struct FirstSegment {
  std::shared_ptr<const Model> model;
  ExitTest test;
  Result<EarlyExit> operator()(const Tensor& batch) const;
};
struct NextSegment {
  std::shared_ptr<const Model> model;
  ExitTest test;
  Result<EarlyExit> operator()(Survivors survivors) const;
};
struct LastSegment {
  std::shared_ptr<const Model> model;
  Result<EarlyAnswers> operator()(Survivors survivors) const;
};

// REQUIRES: model is set, is batched and does not write to its inputs; 0 <= least <= 1.
Wrapped<FirstSegment> first_segment(std::shared_ptr<const Model> model, double least);
Wrapped<NextSegment> next_segment(std::shared_ptr<const Model> model, double least);
Wrapped<LastSegment> last_segment(std::shared_ptr<const Model> model);

// The same for requests of one row, without a batch dimension, as batch stages: rows of different requests that wait
// for a segment go through it together, and those that stay wait for the next segment beside others, so that batches
// fill up again. A row's answer is its scores, and its outcome's `rung` the segment that it left at. Rows of another
// shape than the first of a batch fail alone.
struct RowSegment {
  std::shared_ptr<const Model> model;
  ExitTest test;
  void operator()(Batch<Tensor, Exit<Tensor, Tensor>>& rows) const;
};
struct LastRowSegment {
  std::shared_ptr<const Model> model;
  void operator()(Batch<Tensor, Tensor>& rows) const;
};

// `max_batch`: rows in one call at most. REQUIRES: as above.
Wrapped<RowSegment> row_segment(std::shared_ptr<const Model> model, double least, unsigned max_batch = 32);
Wrapped<LastRowSegment> last_row_segment(std::shared_ptr<const Model> model, unsigned max_batch = 32);

}  // namespace tailrace::stages
