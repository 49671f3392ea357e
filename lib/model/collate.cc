#include "tailrace/model/collate.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace tailrace {
namespace {

std::size_t bytes_of(const Tensor& t) { return static_cast<std::size_t>(t.shape().elements()) * size_of(t.dtype()); }

// Row by row where one of them is not laid out as the other.
void copy(const Tensor& from, const Tensor& to) {
  if (from.shape().elements() == 0) return;
  if (from.shape() == to.shape() && from.contiguous() && to.contiguous()) {
    std::memcpy(to.data(), from.data(), bytes_of(from));
    return;
  }
  if (from.shape().rank() == 0) {
    std::memcpy(to.data(), from.data(), size_of(from.dtype()));
    return;
  }
  for (std::int64_t i = 0; i < from.shape()[0]; ++i) copy(from.row(i), to.row(i));
}

Error refuse(const Model& model, const std::string& what) {
  return {Code::shape_mismatch, model.describe() + " " + what};
}

// Whether an answer has so many rows.
std::optional<Error> misfit(const Model& model, const Tensor& answer, std::size_t rows) {
  const Shape& shape = answer.shape();
  if (answer.empty() && shape.elements() != 0) return refuse(model, "gave no output");
  if (shape.rank() == 0) return refuse(model, "gave an output without a batch dimension");
  if (shape[0] == static_cast<std::int64_t>(rows)) return std::nullopt;
  const std::string count = rows == 1 ? "one row" : std::to_string(rows) + " rows";
  return refuse(model,
                "gave " + name(shape) + " for " + count + ": the first dimension must be " + std::to_string(rows));
}

bool is_on_cpu(const Tensor& t) { return t.device().kind == Device::Kind::cpu; }

}  // namespace

void collate(std::span<const Tensor* const> rows, const Tensor& batch) {
  const Shape of_row = batch.shape().without_first();
  const std::size_t bytes = static_cast<std::size_t>(of_row.elements()) * size_of(batch.dtype());
  char* to = static_cast<char*>(batch.data());
  for (std::size_t i = 0; i < rows.size(); ++i, to += bytes) {
    const Tensor& row = *rows[i];
    if (row.shape() == of_row && row.contiguous()) {
      if (bytes) std::memcpy(to, row.data(), bytes);
      continue;
    }
    if (row.shape() != of_row) std::memset(to, 0, bytes);
    copy(row, batch.row(static_cast<std::int64_t>(i)));
  }
  const auto left = static_cast<std::size_t>(batch.shape()[0]) - rows.size();
  if (left > 0 && bytes > 0) std::memset(to, 0, left * bytes);
}

// put() and fail() find room.
void RowCalls::begin(std::size_t rows, std::size_t padded) {
  end();
  rows_.reserve(rows);
  number_.reserve(rows);
  states_.assign(rows, State::nothing);
  if (errors_.size() < rows) {
    places_.resize(rows);
    errors_.resize(rows);
  }
  padded_ = padded;
}

void RowCalls::put(std::size_t i, Tensor row) noexcept {
  rows_.push_back(std::move(row));
  number_.push_back(i);
  states_[i] = State::waits;
}

void RowCalls::fail(std::size_t i, const Error& error) noexcept {
  errors_[i] = error;
  states_[i] = State::failed;
}

// Those that go into one call with that one. False: it goes alone.
bool RowCalls::gather(std::size_t first, bool pad) {
  const Tensor& row = rows_[first];
  group_.clear();
  group_rows_.clear();
  shape_ = row.shape();
  if (!is_on_cpu(row) || row.shape().rank() == Shape::max_rank) return false;
  for (std::size_t k = first; k < rows_.size(); ++k) {
    const Tensor& other = rows_[k];
    if (states_[number_[k]] != State::waits || other.dtype() != row.dtype() || !is_on_cpu(other)) continue;
    if (pad ? other.shape().rank() != shape_.rank() : other.shape() != shape_) continue;
    group_.push_back(k);
    group_rows_.push_back(&other);
    if (!pad) continue;
    Shape largest;
    for (std::size_t d = 0; d < shape_.rank(); ++d) largest.push_back(std::max(shape_[d], other.shape()[d]));
    shape_ = largest;
  }
  return true;
}

void RowCalls::run(const Model& model, bool pad) {
  bool first_group = true;
  for (std::size_t k = 0; k < rows_.size(); ++k) {
    if (states_[number_[k]] != State::waits) continue;
    if (!model.batched() || !gather(k, pad)) {
      run_alone(model, k);
      continue;
    }
    const bool all = first_group && group_.size() == states_.size();
    padded_ = all ? std::max(padded_, group_.size()) : group_.size();
    first_group = false;
    run_group(model);
  }
}

void RowCalls::run_alone(const Model& model, std::size_t k) {
  const std::size_t i = number_[k];
  Result<Tensor> answer = detail::call_model(model, rows_[k]);
  if (!answer) return fail(i, answer.error());
  places_[i] = {outputs_.size(), 0};
  keep(*std::move(answer));
  states_[i] = State::answered;
}

void RowCalls::run_group(const Model& model) {
  if (group_.size() == 1 && padded_ == 1) return run_alone(model, group_.front());
  const auto error = run_together(model);
  if (!error) return;
  for (const std::size_t k : group_) run_alone(model, k);
}

std::optional<Error> RowCalls::run_together(const Model& model) {
  Tensor output;
  {
    const Tensor input = take_buffer(padded_);
    collate(group_rows_, input);
    if (Status status = model.run({&input, 1}, {&output, 1}); !status) return status.error();
  }
  if (auto error = misfit(model, output, padded_)) return error;
  Place place{outputs_.size(), 0};
  keep(output.row(0));
  const auto size = static_cast<std::int64_t>(output.empty() ? 0 : size_of(output.dtype()));
  for (const std::size_t k : group_) {
    places_[number_[k]] = place;
    states_[number_[k]] = State::answered;
    place.offset += output.strides()[0] * size;
  }
  return std::nullopt;
}

void RowCalls::keep(Tensor row) {
  auto* const first = static_cast<char*>(row.data());
  outputs_.push_back({std::move(row), first});
}

// Memory that an output still shares is that output's.
Tensor RowCalls::take_buffer(std::size_t rows) {
  const Shape shape = shape_.with_first(static_cast<std::int64_t>(rows));
  const DType dtype = group_rows_.front()->dtype();
  const auto elements = static_cast<std::size_t>(shape.elements());
  const bool fits = !buffer_.empty() && buffer_.owner().use_count() == 1 &&
                    elements <= static_cast<std::size_t>(buffer_.shape().elements()) / size_of(dtype);
  if (!fits) {
    const std::size_t bytes = elements * size_of(dtype);
    buffer_ = Tensor::zeros(DType::uint8, {static_cast<std::int64_t>(std::max<std::size_t>(bytes, 64))});
  }
  return Tensor::view(buffer_.data(), dtype, shape, buffer_.owner());
}

void RowCalls::end() noexcept {
  rows_.clear();
  number_.clear();
  outputs_.clear();
}

std::unique_ptr<RowCalls> RowCallsPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      auto calls = std::move(free_.back());
      free_.pop_back();
      return calls;
    }
    free_.reserve(free_.capacity() + 1);  // for giving it back
  }
  return std::make_unique<RowCalls>();
}

void RowCallsPool::give_back(std::unique_ptr<RowCalls> calls) noexcept {
  calls->end();
  const std::lock_guard lock(mutex_);
  if (free_.size() < free_.capacity()) free_.push_back(std::move(calls));
}

namespace detail {

Result<Tensor> call_model(const Model& model, const Tensor& row) {
  const bool batched = model.batched();
  if (batched && row.shape().rank() == Shape::max_rank)
    return refuse(model, "cannot take " + name(row.shape()) + ": no room for a batch dimension");
  const Tensor input = batched ? row.as_batch_of_one() : row;
  Tensor output;
  if (Status status = model.run({&input, 1}, {&output, 1}); !status) return status.error();
  return only_row(model, output);
}

Result<Tensor> only_row(const Model& model, const Tensor& output) {
  if (!model.batched()) {
    if (output.empty() && output.shape().elements() != 0) return refuse(model, "gave no output");
    return output;
  }
  if (auto error = misfit(model, output, 1)) return *error;
  return output.row(0);
}

}  // namespace detail
}  // namespace tailrace
