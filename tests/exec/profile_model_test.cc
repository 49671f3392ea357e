// Profiling models: which sizes are measured, what the table says of a model whose calls take a known time, how it ends
// where calls fail, and the share of right answers.
#include "tailrace/exec/profile_model.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <numeric>
#include <thread>

using namespace tailrace;
using namespace std::chrono_literals;

namespace {

// Gives back its input, after so long for each call and row; fails from some number of rows on.
class Sleeper final : public Model {
 public:
  explicit Sleeper(std::uint32_t most = 1000, bool batched = true) : most_(most), batched_(batched) {}
  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    ++calls;
    const auto rows = batched_ ? inputs[0].shape()[0] : 1;
    if (rows > most_) return Error{Code::bad_value, "sleeper", "takes fewer rows"};
    std::this_thread::sleep_for(200us + rows * 100us + (rows > 18 ? 5ms : 0us));  // a cliff behind 18
    outputs[0] = inputs[0];
    return {};
  }
  bool batched() const noexcept override { return batched_; }
  std::string describe() const override { return "a sleeper"; }
  mutable std::atomic<int> calls{0};

 private:
  std::uint32_t most_;
  bool batched_;
};

OpenModel opening(std::shared_ptr<const Model> model) {
  return [model]() -> Built<std::shared_ptr<const Model>> { return model; };
}
Tensor rows_of(std::initializer_list<std::initializer_list<float>> rows) {
  Tensor t = Tensor::zeros(DType::float32,
                           {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows.begin()->size())});
  auto to = t.as<float>().begin();
  for (const auto& row : rows) to = std::copy(row.begin(), row.end(), to);
  return t;
}

}  // namespace

TEST_CASE("profiling models: which sizes are measured") {
  CHECK(batch_sizes(0).empty());
  CHECK(batch_sizes(3) == std::vector<std::uint32_t>{1, 2, 3});
  CHECK(batch_sizes(18).back() == 18);
  const auto all = batch_sizes(64);
  CHECK(std::vector(all.begin() + 15, all.end()) == std::vector<std::uint32_t>{16, 20, 24, 28, 32, 40, 48, 56, 64});
  CHECK(batch_sizes(130).back() == 130);
  CHECK(batch_sizes(4294967295u).back() == 4294967295u);
}

TEST_CASE("profiling models: cliffs are looked into, even lines are not") {
  BatchTimes even;
  for (const std::uint32_t n : {1, 8, 16, 32, 64}) even.times.push_back({n, 9, n * 1e-3, n * 1e-3, n * 1e-3});
  CHECK(middles_of_cliffs(even, 9).empty());
  BatchTimes cliff = even;
  for (std::size_t i = 3; i < 5; ++i) cliff.times[i].p50 += .1;
  CHECK(middles_of_cliffs(cliff, 9) == std::vector<std::uint32_t>{24});
  CHECK(middles_of_cliffs(cliff, 0).empty());
  cliff.times[1].p50 = 1e-4;  // less than one row takes
  CHECK(middles_of_cliffs(cliff, 9) == std::vector<std::uint32_t>{4, 24});
  CHECK(middles_of_cliffs(cliff, 1) == std::vector<std::uint32_t>{24});
  CHECK(middles_of_cliffs({}, 9).empty());
}

TEST_CASE("profiling models: the table of a model whose calls take a known time") {
  const auto model = std::make_shared<Sleeper>();
  const Tensor input = rows_of({{1, 2}, {3, 4}, {5, 6}});
  double last = 0;
  ProfileModelOptions options{.rows = {24, 1, 16, 8}, .budget = 1500ms};
  options.progress = [&](double done, Duration left) {
    CHECK(done >= last);
    CHECK(done <= 1);
    CHECK(left >= Duration{});
    last = done;
  };
  const auto p = profile_model(opening(model), {&input, 1}, options);
  REQUIRE(p);
  CHECK(last == 1);
  CHECK(p->times.check().empty());
  CHECK(p->error.empty());
  CHECK(p->back_end == "a sleeper");
  CHECK(p->rows == std::vector<RowType>{{DType::float32, {2}}});
  CHECK(p->gives == p->rows);
  CHECK(p->date.size() == 10);
  CHECK(p->load.warm_up >= 3 * 300e-6);
  std::vector<std::uint32_t> sizes;
  for (const auto& t : p->times.times) {
    sizes.push_back(t.rows);
    CHECK(t.calls >= 5);
    CHECK(t.min >= 200e-6 + t.rows * 100e-6);
  }
  CHECK(sizes[0] == 1);
  CHECK(std::count(sizes.begin(), sizes.end(), 20) == 1);  // the middle of the cliff
  CHECK(sizes.size() >= 5);
  CHECK(p->times.seconds(24) > p->times.seconds(16) + 4e-3);
  CHECK(p->first_calls.size() == sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) CHECK(p->first_calls[i].rows == sizes[i]);
  REQUIRE_FALSE(p->throughput.empty());
  CHECK(p->throughput[0].callers == 1);
  const auto best = p->throughput[0];
  CHECK(best.per_second <= best.rows / (200e-6 + best.rows * 100e-6));
  CHECK(best.per_second > 0);
}

TEST_CASE("profiling models: sizes that come late are called as well, however few rounds there may be") {
  const Tensor input = rows_of({{1, 2}});
  const ProfileModelOptions options{.rows = {1, 2, 16, 24}, .budget = 300ms, .most_rounds = 1, .callers = {1}};
  const auto p = profile_model(opening(std::make_shared<Sleeper>()), {&input, 1}, options);
  REQUIRE(p);
  CHECK(p->times.times.size() > 4);
  CHECK(p->times.check().empty());
  CHECK(p->machine == this_machine());
}

TEST_CASE("profiling models: first calls are of the one that was loaded cold, all others of the one that is served") {
  const Tensor input = rows_of({{1, 2}});
  const auto cold = std::make_shared<Sleeper>(), served = std::make_shared<Sleeper>();
  ProfileModelOptions options{.rows = {1, 2}, .refine = 0, .budget = 50ms, .callers = {1}};
  options.served = opening(served);
  const auto p = profile_model(opening(cold), {&input, 1}, options);
  REQUIRE(p);
  CHECK(cold->calls == 3 + 2 * 2);  // three of one row, two of each size
  CHECK(p->first_calls.size() == 2);
  CHECK(served->calls >= static_cast<int>(p->times.times[0].calls + p->times.times[1].calls));

  options.served = []() -> Built<std::shared_ptr<const Model>> { return Problems(Code::bad_file, "x.pt", "gone"); };
  CHECK(profile_model(opening(cold), {&input, 1}, options).error().what() == "x.pt: gone");
}

TEST_CASE("profiling models: sizes from which calls fail are told, the smaller ones are measured") {
  const Tensor input = rows_of({{1, 2}});
  const ProfileModelOptions options{.rows = {1, 2, 4, 8}, .budget = 100ms, .callers = {2}};
  const auto p = profile_model(opening(std::make_shared<Sleeper>(3)), {&input, 1}, options);
  REQUIRE(p);
  CHECK(p->times.times.size() == 2);
  CHECK(p->error == "takes fewer rows");
  CHECK(p->throughput.size() == 1);

  const auto none = profile_model(opening(std::make_shared<Sleeper>(0)), {&input, 1}, options);
  CHECK(none.error().what() == "a call with one row: takes fewer rows");
}

TEST_CASE("profiling models: without a dimension of rows there is one time") {
  const Tensor input = rows_of({{1, 2}, {3, 4}});
  const auto p = profile_model(opening(std::make_shared<Sleeper>(1, false)), {&input, 1}, {.budget = 50ms});
  REQUIRE(p);
  CHECK(p->times.times.size() == 1);
  CHECK(p->rows[0].shape == Shape{2});
}

TEST_CASE("profiling models: what is wrong is told at once") {
  const auto model = opening(std::make_shared<Sleeper>());
  CHECK(profile_model(model, {}).error().what() == "inputs: needs a tensor for each input of the model, got none");
  const Tensor none = Tensor::zeros(DType::float32, {0, 2});
  const auto all = profile_model(model, {&none, 1}, {.rows = {2, 0, 2}, .callers = {0}});
  CHECK(all.error().size() == 4);
  const OpenModel broken = []() -> Built<std::shared_ptr<const Model>> {
    return Problems(Code::bad_file, "x.pt", "no");
  };
  const Tensor input = rows_of({{1}});
  CHECK(profile_model(broken, {&input, 1}).error().what() == "x.pt: no");
}

TEST_CASE("profiling models: the share of right answers") {
  std::vector<std::int64_t> labels;
  Tensor rows = Tensor::zeros(DType::float32, {70, 3});
  for (std::int64_t i = 0; i < 70; ++i) {
    rows.as<float>()[static_cast<std::size_t>(3 * i + i % 3)] = 1;
    labels.push_back(i < 60 ? i % 3 : (i + 1) % 3);
  }
  for (const bool batched : {true, false}) {
    const auto got = answer_labelled(Sleeper(1000, batched), rows, labels, "some rows");
    REQUIRE(got);
    CHECK(*got == LabelledResult{"some rows", 70, 60});
  }
  labels.pop_back();
  CHECK_THAT(answer_labelled(Sleeper(), rows, labels, "some rows").error().what(),
             Catch::Contains("some rows: needs one label for each row, got 70 rows and 69 labels"));
}
