#include "tailrace/stages/early_exit.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace tailrace::stages {

// ---- kernels

ExitTest::ExitTest(double least) noexcept : least_(least), room_(1 / least - 1), log_room_(std::log(room_)) {}

// The probability is 1 / (1 + s), where s is the sum of e^(x - first) over all others. It leaves where s <= room. s is
// e^-gap at least, gap being first minus second, and as often as there are others at most.
bool ExitTest::clear(double gap, std::span<const float> row, double first, double log_others) const noexcept {
  if (-gap > log_room_) return false;
  if (log_others - gap <= log_room_) return true;
  double sum = -1;
  for (const float x : row) sum += std::exp(static_cast<double>(x) - first);
  return sum <= room_;
}

std::size_t ExitTest::find_staying(std::span<const float> scores, std::size_t rows,
                                   std::int32_t* staying) const noexcept {
  const std::size_t classes = rows == 0 ? 0 : scores.size() / rows;
  const double log_others = classes > 1 ? std::log(static_cast<double>(classes - 1)) : -HUGE_VAL;
  std::size_t found = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto row = scores.subspan(i * classes, classes);
    float first = -HUGE_VALF, second = -HUGE_VALF, wrong = 0;
    for (const float x : row) {
      second = std::max(second, std::min(x, first));
      first = std::max(first, x);
      wrong += x - x;  // not a number where x is none, or infinite
    }
    const auto gap = static_cast<double>(first) - static_cast<double>(second);
    if (wrong == 0 && clear(gap, row, first, log_others)) continue;
    if (staying) staying[found] = static_cast<std::int32_t>(i);
    ++found;
  }
  return found;
}

void compact(const void* rows, std::size_t width, std::span<const std::int32_t> which, void* out) noexcept {
  const auto* from = static_cast<const char*>(rows);
  auto* to = static_cast<char*>(out);
  for (const auto row : which) {
    std::memcpy(to, from + static_cast<std::size_t>(row) * width, width);
    to += width;
  }
}

// ---- one call of a segment

namespace {

struct Said {
  Tensor scores, features;
};

std::size_t rows_of(const Tensor& batch) { return static_cast<std::size_t>(batch.shape()[0]); }
std::size_t bytes_of_row(const Tensor& batch) {
  return static_cast<std::size_t>(batch.shape().without_first().elements()) * size_of(batch.dtype());
}
std::span<const float> scores_of(const Tensor& scores) { return scores.as<float>(); }
Tensor packed(Tensor t) { return t.contiguous() ? std::move(t) : t.contiguous_copy(); }

Status check_batch(const Tensor& batch, const std::string& what, std::size_t rows) {
  if (batch.device().kind == Device::Kind::cpu && batch.shape().rank() >= 1 && rows_of(batch) == rows &&
      (!batch.empty() || batch.shape().elements() == 0))
    return {};
  return Error(Code::shape_mismatch, "segment",
               what + " for " + std::to_string(rows) + " rows must be [" + std::to_string(rows) +
                   ", ...] on the CPU, got " + name(batch.shape()) + " on " + name(batch.device()));
}

// `wanted`: 1 for scores alone.
Result<Said> ask(const Model& model, const Tensor& batch, std::size_t wanted) {
  Tensor outputs[2];
  if (Status called = model.run({&batch, 1}, std::span(outputs, wanted)); !called) return called.error();
  if (Status fits = check_batch(outputs[0], "scores", rows_of(batch)); !fits) return fits.error();
  if (outputs[0].dtype() != DType::float32 || outputs[0].shape().rank() != 2 || outputs[0].shape()[1] < 1)
    return Error(Code::shape_mismatch, "segment",
                 "scores must be float32 [rows, classes], got " + std::string(name(outputs[0].dtype())) + " " +
                     name(outputs[0].shape()));
  if (wanted == 2)
    if (Status fits = check_batch(outputs[1], "features", rows_of(batch)); !fits) return fits.error();
  return Said{packed(std::move(outputs[0])), packed(std::move(outputs[1]))};
}

// ---- batches of one request

Status check_input(const Tensor& batch) {
  if (batch.device().kind == Device::Kind::cpu && batch.shape().rank() >= 1 && batch.shape()[0] >= 1 && !batch.empty())
    return {};
  return Error(Code::shape_mismatch, "segment",
               "takes a batch [rows, ...] of one row or more on the CPU, got " + name(batch.shape()) + " on " +
                   name(batch.device()));
}

// Writes the scores of the rows that are left, but for those among `staying`.
void put_answers(Survivors& left, const Tensor& scores, std::span<const std::int32_t> staying) {
  const auto classes = static_cast<std::size_t>(scores.shape()[1]);
  const float* said = scores_of(scores).data();
  float* all = left.answers.scores.as<float>().data();
  auto next = staying.begin();
  for (std::size_t i = 0; i < left.rows.size(); ++i) {
    if (next != staying.end() && static_cast<std::size_t>(*next) == i) {
      ++next;
      continue;
    }
    const auto row = static_cast<std::size_t>(left.rows[i]);
    std::copy_n(said + i * classes, classes, all + row * classes);
    left.answers.exits[row] = left.segment;
  }
}

Status check_classes(const Survivors& left, const Tensor& scores) {
  if (left.answers.scores.shape()[1] == scores.shape()[1]) return {};
  return Error(Code::shape_mismatch, "segment",
               "gives " + std::to_string(scores.shape()[1]) + " classes, the first segment " +
                   std::to_string(left.answers.scores.shape()[1]));
}

// Takes out of the batch who leaves.
EarlyExit part(Survivors left, Said said, const ExitTest& test) {
  std::vector<std::int32_t> staying(left.rows.size());
  staying.resize(test.find_staying(scores_of(said.scores), left.rows.size(), staying.data()));
  const bool all_stay = staying.size() == left.rows.size();
  if (!all_stay) put_answers(left, said.scores, staying);
  if (staying.empty()) return EarlyExit::leave(std::move(left.answers));
  if (!all_stay) {
    left.features =
        Tensor::zeros(said.features.dtype(),
                      said.features.shape().without_first().with_first(static_cast<std::int64_t>(staying.size())));
    compact(said.features.data(), bytes_of_row(said.features), staying, left.features.data());
    for (std::size_t k = 0; k < staying.size(); ++k) left.rows[k] = left.rows[static_cast<std::size_t>(staying[k])];
    left.rows.resize(staying.size());
  } else {
    left.features = std::move(said.features);
  }
  ++left.segment;
  return EarlyExit::go_on(std::move(left));
}

}  // namespace

Result<EarlyExit> FirstSegment::operator()(const Tensor& batch) const {
  if (Status fits = check_input(batch); !fits) return fits.error();
  auto said = ask(*model, batch, 2);
  if (!said) return said.error();
  Survivors left;
  left.rows.resize(rows_of(batch));
  std::iota(left.rows.begin(), left.rows.end(), 0);
  left.answers.scores = Tensor::zeros(DType::float32, said->scores.shape());
  left.answers.exits.resize(rows_of(batch));
  return part(std::move(left), *std::move(said), test);
}

Result<EarlyExit> NextSegment::operator()(Survivors survivors) const {
  auto said = ask(*model, survivors.features, 2);
  if (!said) return said.error();
  if (Status fits = check_classes(survivors, said->scores); !fits) return fits.error();
  return part(std::move(survivors), *std::move(said), test);
}

Result<EarlyAnswers> LastSegment::operator()(Survivors survivors) const {
  auto said = ask(*model, survivors.features, 1);
  if (!said) return said.error();
  if (Status fits = check_classes(survivors, said->scores); !fits) return fits.error();
  put_answers(survivors, said->scores, {});
  return std::move(survivors.answers);
}

namespace {
template <class F>
Wrapped<F> replicable(const char* name, Parameters parameters, F f) {
  auto made = named(name, std::move(parameters), std::move(f));
  made.options.replicable = true;
  return made;
}
}  // namespace

Wrapped<FirstSegment> first_segment(std::shared_ptr<const Model> model, double least) {
  return replicable("first_segment", {{"least", least}}, FirstSegment{std::move(model), ExitTest(least)});
}
Wrapped<NextSegment> next_segment(std::shared_ptr<const Model> model, double least) {
  return replicable("next_segment", {{"least", least}}, NextSegment{std::move(model), ExitTest(least)});
}
Wrapped<LastSegment> last_segment(std::shared_ptr<const Model> model) {
  return replicable("last_segment", {}, LastSegment{std::move(model)});
}

// ---- rows of many requests

namespace {

// The rows of a batch that go together, as one tensor, and which they are. Others have failed.
struct Together {
  Tensor batch;
  std::vector<std::size_t> rows;
};

bool usable(const Tensor& row) {
  return row.device().kind == Device::Kind::cpu && row.shape().rank() < Shape::max_rank &&
         (!row.empty() || row.shape().elements() == 0);
}

template <class Out>
Together together(Batch<Tensor, Out>& rows) {
  Together all;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Tensor& row = rows.in(i);
    const Tensor& first = all.rows.empty() ? row : rows.in(all.rows.front());
    if (usable(row) && row.shape() == first.shape() && row.dtype() == first.dtype()) all.rows.push_back(i);
    else
      rows.fail(i, Error(Code::shape_mismatch, "segment",
                         "takes rows on the CPU, all of one shape; got " + name(row.shape()) + " on " +
                             name(row.device()) + " beside " + name(first.shape())));
  }
  if (all.rows.empty()) return all;
  const Tensor& first = rows.in(all.rows.front());
  all.batch = Tensor::zeros(first.dtype(), first.shape().with_first(static_cast<std::int64_t>(all.rows.size())));
  const std::size_t width = bytes_of_row(all.batch);
  auto* to = static_cast<char*>(all.batch.data());
  for (const auto i : all.rows) {
    const Tensor row = packed(rows.in(i));
    if (width != 0) std::memcpy(to, row.data(), width);
    to += width;
  }
  return all;
}

template <class Out>
void fail_all(Batch<Tensor, Out>& rows, const Together& all, const Error& error) {
  for (const auto i : all.rows) rows.fail(i, error);
}

}  // namespace

// Rows share the memory that the model's answers are in.
void RowSegment::operator()(Batch<Tensor, Exit<Tensor, Tensor>>& rows) const {
  using Step = Exit<Tensor, Tensor>;
  const Together all = together(rows);
  if (all.rows.empty()) return;
  const auto said = ask(*model, all.batch, 2);
  if (!said) return fail_all(rows, all, said.error());
  const auto classes = static_cast<std::size_t>(said->scores.shape()[1]);
  for (std::size_t k = 0; k < all.rows.size(); ++k) {
    const auto row = static_cast<std::int64_t>(k);
    const bool leaves = test.leaves(scores_of(said->scores).subspan(k * classes, classes));
    rows.put(all.rows[k], leaves ? Step::leave(said->scores.row(row)) : Step::go_on(said->features.row(row)));
  }
}

void LastRowSegment::operator()(Batch<Tensor, Tensor>& rows) const {
  const Together all = together(rows);
  if (all.rows.empty()) return;
  const auto said = ask(*model, all.batch, 1);
  if (!said) return fail_all(rows, all, said.error());
  for (std::size_t k = 0; k < all.rows.size(); ++k)
    rows.put(all.rows[k], said->scores.row(static_cast<std::int64_t>(k)));
}

Wrapped<RowSegment> row_segment(std::shared_ptr<const Model> model, double least, unsigned max_batch) {
  auto made = named("row_segment", {{"least", least}}, RowSegment{std::move(model), ExitTest(least)});
  made.options.max_batch = max_batch;
  return made;
}
Wrapped<LastRowSegment> last_row_segment(std::shared_ptr<const Model> model, unsigned max_batch) {
  auto made = named("last_row_segment", LastRowSegment{std::move(model)});
  made.options.max_batch = max_batch;
  return made;
}

}  // namespace tailrace::stages
