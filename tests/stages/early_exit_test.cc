#include "tailrace/stages/early_exit.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <thread>

#include "tailrace/core/random.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"

namespace tr = tailrace;
using tr::Tensor;
using namespace tr::stages;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity(), not_number = std::numeric_limits<float>::quiet_NaN();

Tensor floats(const std::vector<float>& values, tr::Shape shape) {
  const Tensor t = Tensor::zeros(tr::DType::float32, shape);
  std::copy(values.begin(), values.end(), t.as<float>().begin());
  return t;
}

// A segment that adds one to every feature; the scores are those of two classes, the first feature's size apart.
class Segment final : public tr::Model {
 public:
  explicit Segment(std::int64_t classes = 2) : classes_(classes) {}
  tr::Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    const Tensor& in = inputs[0];
    const auto rows = in.shape()[0], width = in.shape()[1];
    if (in.as<float>()[0] < 0) return tr::Error(tr::Code::stage_failed, "segment", "takes nothing negative");
    inside = true;
    while (held) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    largest = std::max<std::int64_t>(largest, rows);
    seen += rows;
    outputs[0] = Tensor::zeros(tr::DType::float32, {rows, classes_});
    Tensor features = Tensor::zeros(tr::DType::float32, in.shape());
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t k = 0; k < width; ++k)
        features.as<float>()[static_cast<std::size_t>(i * width + k)] =
            in.as<float>()[static_cast<std::size_t>(i * width + k)] + 1;
      if (classes_ > 0)
        outputs[0].as<float>()[static_cast<std::size_t>(i * classes_)] =
            features.as<float>()[static_cast<std::size_t>(i * width)];
    }
    if (outputs.size() > 1) outputs[1] = features;
    return {};
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "a segment"; }

  mutable std::atomic<std::int64_t> largest{0}, seen{0};  // batch, and rows in all
  mutable std::atomic<bool> held{false}, inside{false};   // calls that are held wait

 private:
  std::int64_t classes_;
};

std::string error_of(const auto& result) { return result ? "no error" : tr::describe(result.error()); }
void wait_for(const auto& condition) {
  while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}
// The probability of a class that is so far ahead of one other.
double ahead(double gap) { return 1 / (1 + std::exp(-gap)); }

}  // namespace

TEST_CASE("ExitTest: as softmax says, for all gaps and numbers of classes") {
  tr::Random random(3);
  int left = 0, all = 0;
  for (int i = 0; i < 20000; ++i) {
    std::vector<float> row(2 + static_cast<std::size_t>(12 * random.uniform()));
    const double size = 12 * random.uniform();
    for (auto& x : row) x = static_cast<float>(size * (random.uniform() - 0.5));
    const double least = random.uniform();
    double first = row[0], sum = 0;
    for (const double x : row) first = std::max(first, x);
    for (const double x : row) sum += std::exp(x - first);
    const bool expected = 1 / sum >= least;
    if (std::abs(1 / sum - least) < 1e-9) continue;
    ++all, left += expected;
    if (ExitTest(least).leaves(row) != expected) FAIL("row " << i << ", least " << least);
  }
  CHECK(left > all / 4);
  CHECK(left < 3 * all / 4);
}

TEST_CASE("ExitTest: rows that stay, in order; what is no number stays") {
  const std::vector<float> scores{0, 9, 0, 1, 1, 1, -9, 0, -9, 0, not_number, 0, infinity, 0, 0, 0, 0, -infinity};
  std::vector<std::int32_t> staying(6, -1);
  CHECK(ExitTest(0.9).find_staying(scores, 6, staying.data()) == 4);
  CHECK(staying == std::vector<std::int32_t>{1, 3, 4, 5, -1, -1});
  CHECK(ExitTest(0.9).find_staying({}, 0, nullptr) == 0);
  CHECK(ExitTest(0).leaves(std::vector<float>{0, 0, 0}));
  CHECK_FALSE(ExitTest(1).leaves(std::vector<float>{30, 0}));
  CHECK(ExitTest(0.99).leaves(std::vector<float>{-7}));  // one class is certain
}

TEST_CASE("compact: the rows that are named, one after another") {
  const std::vector<std::int16_t> rows{1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<std::int16_t> out(4);
  compact(rows.data(), 4, std::vector<std::int32_t>{0, 3}, out.data());
  CHECK(out == std::vector<std::int16_t>{1, 2, 7, 8});
}

TEST_CASE("segments: every row gets the answer of the segment that it leaves at, in its own place") {
  const auto first = std::make_shared<Segment>(), second = std::make_shared<Segment>(),
             last = std::make_shared<Segment>();
  const auto net = tr::flow<Tensor>("net", [&](tr::Stream<Tensor> batch) {
    return tr::staged("net", batch, first_segment(first, ahead(3.5)), next_segment(second, ahead(3.5)),
                      last_segment(last));
  });
  auto engine = tr::start(net, {.threads = 1}).value();
  // Scores of the first segment are one more than the input, of the second two more, of the last three more.
  const auto said = engine.run(floats({0, 10, 1, 20, 2, 30, 3, 40, 1, 50}, {5, 2}));
  if (!said) FAIL(error_of(said));
  CHECK(said->exits == std::vector<std::uint8_t>{2, 2, 1, 0, 2});
  CHECK(said->scores == floats({3, 0, 4, 0, 4, 0, 4, 0, 4, 0}, {5, 2}));
  CHECK(said.rung == 2);
  CHECK(first->largest == 5);
  CHECK(second->largest == 4);
  CHECK(last->largest == 3);
  // All leave at once, and nobody asks the rest; or nobody leaves before the end.
  const auto early = engine.run(floats({9, 9, 8, 8}, {2, 2}));
  CHECK(early->exits == std::vector<std::uint8_t>{0, 0});
  CHECK(early.rung == 0);
  CHECK(engine.run(floats({0, 0}, {1, 2}))->exits == std::vector<std::uint8_t>{2});
  CHECK(last->largest == 3);
}

TEST_CASE("segments: what does not fit is named") {
  const auto start = [](auto... segments) {
    return tr::start(tr::flow<Tensor>("net", [&](tr::Stream<Tensor> b) { return tr::staged("net", b, segments...); }),
                     {.threads = 1})
        .value();
  };
  const auto model = std::make_shared<Segment>();
  auto fine = start(first_segment(model, 1), last_segment(model));
  CHECK(error_of(fine.run(floats({-1, 0}, {1, 2}))) == "net[0]: takes nothing negative");
  CHECK(error_of(fine.run(floats({}, {0, 2}))) ==
        "net[0]: takes a batch [rows, ...] of one row or more on the CPU, got [0, 2] on cpu");
  auto other = start(first_segment(model, 1), last_segment(std::make_shared<Segment>(3)));
  CHECK(error_of(other.run(floats({0, 0}, {1, 2}))) == "net[1]: gives 3 classes, the first segment 2");
  auto none = start(first_segment(std::make_shared<Segment>(0), 1), last_segment(model));
  CHECK(error_of(none.run(floats({0, 0}, {1, 2}))) ==
        "net[0]: scores must be float32 [rows, classes], got float32 [1, 0]");
}

TEST_CASE("row segments: rows of different requests go together, and those that stay fill up again") {
  const auto first = std::make_shared<Segment>(), last = std::make_shared<Segment>();
  const auto net = tr::flow<Tensor>("net", [&](tr::Stream<Tensor> row) {
    return tr::staged("net", row, row_segment(first, ahead(3.5), 8), last_row_segment(last, 8));
  });
  auto engine = tr::start(net, {.threads = 2, .max_in_flight = 64}).value();
  // While one row holds the first segment all others wait for it; while one holds the last segment others do there.
  first->held = last->held = true;
  std::vector<tr::Handle<Tensor>> open;
  open.push_back(engine.submit(floats({0, 0}, {2})));
  wait_for([&] { return first->inside.load(); });
  for (int i = 1; i < 16; ++i) open.push_back(engine.submit(floats({static_cast<float>(i % 4), 0}, {2})));
  open.push_back(engine.submit(floats({1, 2, 3}, {3})));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  first->held = false;
  wait_for([&] { return last->inside.load() && first->seen >= 16; });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  last->held = false;
  for (int i = 0; i < 16; ++i) {
    const auto answer = open[static_cast<std::size_t>(i)].get();
    if (!answer) FAIL(error_of(answer));
    CHECK(answer.rung == (i % 4 == 3 ? 0 : 1));
    CHECK(*answer == floats({static_cast<float>(i % 4 + (i % 4 == 3 ? 1 : 2)), 0}, {2}));
  }
  // Alone in its batch it would be fine.
  if (const auto wider = open.back().get(); !wider)
    CHECK(error_of(wider) == "net[0]: takes rows on the CPU, all of one shape; got [3] on cpu beside [2]");
  CHECK(first->largest > 1);
  CHECK(last->largest > 1);
  // A model that fails fails its rows.
  CHECK(error_of(engine.run(floats({-1, 0}, {2}))) == "net[0]: takes nothing negative");
}
