#include "tailrace/model/collate.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>

namespace tailrace {
namespace {

Tensor row_of(std::initializer_list<float> values) {
  Tensor t = Tensor::zeros(DType::float32, {static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), t.as<float>().begin());
  return t;
}
std::vector<float> list(const Tensor& t) {
  const Tensor whole = t.contiguous_copy();
  return {whole.as<float>().begin(), whole.as<float>().end()};
}

TEST_CASE("rows stand behind each other, and what is left is zero") {
  const Tensor a = row_of({1, 2}), b = row_of({3, 4});
  Tensor batch = Tensor::zeros(DType::float32, {4, 2});
  std::fill(batch.as<float>().begin(), batch.as<float>().end(), 9.f);
  const Tensor* rows[] = {&a, &b};
  collate(rows, batch);
  CHECK(list(batch) == std::vector<float>{1, 2, 3, 4, 0, 0, 0, 0});
}

TEST_CASE("smaller rows are filled up in every dimension") {
  const Tensor a = Tensor::zeros(DType::float32, {2, 1}), b = Tensor::zeros(DType::float32, {1, 2});
  for (const Tensor* t : {&a, &b}) std::fill(t->as<float>().begin(), t->as<float>().end(), 5.f);
  Tensor batch = Tensor::zeros(DType::float32, {2, 2, 2});
  std::fill(batch.as<float>().begin(), batch.as<float>().end(), 9.f);
  const Tensor* rows[] = {&a, &b};
  collate(rows, batch);
  CHECK(list(batch) == std::vector<float>{5, 0, 5, 0, 5, 5, 0, 0});
}

TEST_CASE("rows that are not laid out in order are") {
  Tensor columns = Tensor::zeros(DType::float32, {2, 3});
  for (std::size_t i = 0; i < 6; ++i) columns.as<float>()[i] = static_cast<float>(i);
  const Tensor turned = Tensor::strided(columns.data(), DType::float32, {3, 2}, {1, 3}, {}, columns.owner());
  const Tensor batch = Tensor::zeros(DType::float32, {1, 3, 2});
  const Tensor* rows[] = {&turned};
  collate(rows, batch);
  CHECK(list(batch) == std::vector<float>{0, 3, 1, 4, 2, 5});
}

// Gives its input plus one; notes shapes, and refuses what the test says.
struct PlusOne final : Model {
  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    shapes += name(inputs[0].shape());
    data = inputs[0].data();
    Tensor out = inputs[0].contiguous_copy();
    for (float& x : out.as<float>()) {
      if (x == refuses) return Error(Code::bad_value, "refused");
      x += 1;
    }
    outputs[0] = shares ? inputs[0] : cut ? out.row(0) : out;
    return {};
  }
  bool batched() const noexcept override { return batch; }
  std::string describe() const override { return "plus one"; }
  float refuses = -1;
  bool batch = true, shares = false, cut = false;
  mutable std::string shapes;
  mutable void* data = nullptr;
};

// Answers, "-" for rows that were not put and the error of those that failed.
std::string run(RowCalls& calls, const Model& model, const std::vector<Tensor>& rows, std::size_t padded = 0,
                bool pad = false) {
  calls.begin(rows.size(), padded);
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (!rows[i].empty()) calls.put(i, rows[i]);
  calls.run(model, pad);
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    text += i ? " " : "";
    if (const Error* e = calls.failed(i)) text += e->what();
    else if (!calls.has_answer(i)) text += "-";
    else
      for (float x : list(calls.answer(i))) text += std::to_string(static_cast<int>(x));
  }
  calls.end();
  return text;
}

TEST_CASE("rows of one shape share a call, padded where that was asked for") {
  RowCalls calls;
  PlusOne model;
  CHECK(run(calls, model, {row_of({1, 2}), row_of({3, 4}), row_of({5, 6})}, 4) == "23 45 67");
  CHECK(model.shapes == "[4, 2]");
  model.shapes = "";
  CHECK(run(calls, model, {row_of({1, 2}), row_of({3}), row_of({5, 6}), row_of({7})}, 8) == "23 4 67 8");
  CHECK(model.shapes == "[2, 2][2, 1]");
  model.shapes = "";
  CHECK(run(calls, model, {row_of({1, 2}), row_of({3}), Tensor()}, 0, true) == "23 41 -");
  CHECK(model.shapes == "[2, 2]");
}

TEST_CASE("a call that fails is repeated row by row") {
  RowCalls calls;
  PlusOne model;
  model.refuses = 3;
  CHECK(run(calls, model, {row_of({1}), row_of({3}), row_of({5})}) == "2 refused 6");
  CHECK(model.shapes == "[3, 1][1, 1][1, 1][1, 1]");
}

TEST_CASE("an output that has another number of rows is no answer") {
  RowCalls calls;
  PlusOne model;
  model.cut = true;
  CHECK(run(calls, model, {row_of({1, 2, 3}), row_of({4, 5, 6})}) ==
        "plus one gave [3] for one row: the first dimension must be 1 plus one gave [3] for one row: the first "
        "dimension must be 1");
}

TEST_CASE("a network that takes one row at a time is called so") {
  RowCalls calls;
  PlusOne model;
  model.batch = false;
  CHECK(run(calls, model, {row_of({1}), row_of({3})}, 4) == "2 4");
  CHECK(model.shapes == "[1][1]");
}

TEST_CASE("inputs stand in the same memory again, unless an output still shares it") {
  RowCalls calls;
  PlusOne model;
  run(calls, model, {row_of({1, 2}), row_of({3, 4})});
  void* const first = model.data;
  run(calls, model, {row_of({1, 2}), row_of({3, 4})});
  CHECK(model.data == first);
  model.shares = true;
  calls.begin(2, 0);
  calls.put(0, row_of({1}));
  calls.put(1, row_of({2}));
  calls.run(model, false);
  const Tensor kept = calls.answer(1);
  calls.end();
  model.shares = false;
  run(calls, model, {row_of({7, 8}), row_of({9, 9})});
  CHECK(model.data != first);
  CHECK(list(kept) == std::vector<float>{2});
}

TEST_CASE("an error is of one use and one row only") {
  RowCalls calls;
  PlusOne model;
  model.refuses = 3;
  CHECK(run(calls, model, {row_of({1}), row_of({3}), row_of({5})}) == "2 refused 6");
  CHECK(run(calls, model, {row_of({3}), row_of({1}), Tensor()}) == "refused 2 -");
  CHECK(run(calls, model, {row_of({1}), Tensor()}) == "2 -");
  calls.begin(3, 0);
  calls.put(0, row_of({1}));
  calls.fail(0, Error(Code::bad_value, "after all"));
  calls.put(2, row_of({7}));
  calls.fail(1, Error(Code::bad_value, "has no row"));
  calls.run(model, false);
  CHECK(calls.failed(0)->what() == "after all");
  CHECK(calls.failed(1)->what() == "has no row");
  CHECK(calls.failed(2) == nullptr);
  CHECK(list(calls.answer(2)) == std::vector<float>{8});
  CHECK_FALSE(calls.has_answer(0));
  calls.fail(2, Error(Code::bad_value, "cannot be read"));
  CHECK_FALSE(calls.has_answer(2));
  CHECK(run(calls, model, {row_of({1})}) == "2");  // though nobody has said end()
}

TEST_CASE("a copy of an answer is that row's whatever is asked next") {
  RowCalls calls;
  PlusOne model;
  const std::vector<Tensor> rows{row_of({1, 2}), row_of({3}), row_of({5, 6}), row_of({7})};
  calls.begin(rows.size(), 0);
  for (const std::size_t i : {2, 0, 3, 1}) calls.put(i, rows[i]);
  calls.run(model, false);
  CHECK(model.shapes == "[2, 2][2, 1]");
  std::vector<Tensor> kept;
  for (std::size_t i = 0; i < rows.size(); ++i) kept.push_back(calls.answer(i));
  CHECK(list(calls.answer(0)) == std::vector<float>{2, 3});  // again, after others
  calls.end();
  CHECK(list(kept[0]) == std::vector<float>{2, 3});
  CHECK(list(kept[1]) == std::vector<float>{4});
  CHECK(list(kept[2]) == std::vector<float>{6, 7});
  CHECK(list(kept[3]) == std::vector<float>{8});
}

// Gives each row's elements in reverse order, in memory where rows stand the other way round or all in one place.
struct Upside final : Model {
  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    const Tensor in = inputs[0].contiguous_copy();
    const std::int64_t rows = in.shape()[0], width = in.shape()[1];
    char* const last = static_cast<char*>(in.row(rows - 1).data());
    outputs[0] = Tensor::strided(last, in.dtype(), {rows, width}, {same ? 0 : -width, 1}, {}, in.owner());
    return {};
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "upside down"; }
  bool same = false;
};

TEST_CASE("rows of an output are found by its strides") {
  RowCalls calls;
  Upside model;
  CHECK(run(calls, model, {row_of({1, 2}), row_of({3, 4}), row_of({5, 6})}) == "56 34 12");
  model.same = true;
  CHECK(run(calls, model, {row_of({1, 2}), row_of({3, 4}), row_of({5, 6})}) == "56 56 56");
}

TEST_CASE("rows and outputs are let go of at the end") {
  RowCalls calls;
  PlusOne model;
  const Tensor a = row_of({1}), b = row_of({2});
  calls.begin(2, 0);
  calls.put(0, a);
  calls.put(1, b);
  calls.run(model, false);
  const std::weak_ptr<void> output = calls.answer(0).owner();
  CHECK_FALSE(output.expired());
  calls.end();
  CHECK(output.expired());
  CHECK(a.owner().use_count() == 1);
}

TEST_CASE("memory for calls is kept for the next ones") {
  RowCallsPool pool;
  auto one = pool.take();
  RowCalls* const address = one.get();
  auto two = pool.take();
  CHECK(two.get() != address);
  pool.give_back(std::move(one));
  CHECK(pool.take().get() == address);
}

}  // namespace
}  // namespace tailrace
