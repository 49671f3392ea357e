// Stages for networks that find things in pictures. Numbers that are not plain from the sentence are those of PyTorch's
// interpolate(mode="area"), torchvision's nms and facenet-pytorch's functions on the same values.
#include "tailrace/stages/boxes.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "tailrace/exec/start.h"
#include "tailrace/plan/json.h"
#include "tailrace/stages/cut_out.h"
#include "tailrace/stages/judge.h"
#include "tailrace/stages/pyramid.h"
#include "tailrace/stages/stages.h"
#include "tailrace/stages/suppress.h"
#include "tailrace/stages/windows.h"

namespace tr = tailrace;
using tr::Tensor;
using namespace tr::stages;

namespace {

Tensor floats(const std::vector<float>& values, tr::Shape shape) {
  const Tensor t = Tensor::zeros(tr::DType::float32, shape);
  std::copy(values.begin(), values.end(), t.as<float>().begin());
  return t;
}
std::vector<float> values(const tr::Result<Tensor>& t) {
  if (!t) FAIL(t.error().what());
  return {t->as<float>().begin(), t->as<float>().end()};
}

// One channel: 0, 239, 222, ...
Tensor picture(std::int64_t height = 4, std::int64_t width = 5, std::int64_t channels = 1) {
  const Tensor t = Tensor::zeros(tr::DType::uint8, {height, width, channels});
  for (std::int64_t i = 0; i < t.shape().elements(); ++i)
    t.as<std::uint8_t>()[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(i / channels * 7919);
  return t;
}

Box box(float left, float top, float right, float bottom, float score = 0, std::array<float, 4> shift = {}) {
  return {left, top, right, bottom, score, shift, {}};
}
std::vector<float> scores(const tr::Result<Boxes>& boxes) {
  if (!boxes) FAIL(boxes.error().what());
  std::vector<float> all;
  for (const Box& b : *boxes) all.push_back(b.score);
  return all;
}

std::string error_of(const auto& result) { return result ? "no error" : tr::describe(result.error()); }
constexpr float not_number = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST_CASE("pyramid: ever smaller levels, as long as a window fits in") {
  const auto levels = Pyramid{20, 0.709, 12}(picture(60, 100));
  REQUIRE(levels);
  REQUIRE(levels->size() == 4);
  CHECK((*levels)[0].scale == Approx(0.6));
  CHECK((*levels)[0].height() == 37);
  CHECK((*levels)[0].width() == 61);
  CHECK((*levels)[3].scale == Approx(0.6 * std::pow(0.709, 3)));
  CHECK((*levels)[3].height() == 13);
  CHECK(Pyramid{20, 0.709, 12}(picture(19, 100))->empty());
  CHECK(Pyramid{20, 0.709, 12}(picture(20, 100))->size() == 1);
  CHECK(error_of(Pyramid{20, 1, 12}(picture())) == "pyramid: needs a 'factor' between 0 and 1");
  CHECK(error_of(Pyramid{}(floats({1}, {1, 1, 1}))) == "pyramid: takes pictures of uint8, got float32 [1, 1, 1]");
}

TEST_CASE("level_pixels: means of what a pixel covers, as PyTorch's, in both directions") {
  // Height and width are 4 * 0.25 + 1 and 5 * 0.25 + 1, rounded down.
  const auto smaller = LevelPixels{}({picture(), 0.25});
  CHECK(smaller->shape() == tr::Shape{1, 2, 2});
  const std::vector<float> four = values(smaller);
  CHECK(four[0] == 153.8333282470703F);
  CHECK(four[1] == 162.5F);
  CHECK(four[2] == 111.83333587646484F);
  CHECK(four[3] == 120.5F);
  const auto same = values(LevelPixels{127.5, 128}({picture(), 0.999}));
  REQUIRE(same.size() == 20);
  CHECK(same[0] == (0 - 127.5F) / 128);
  CHECK(same[19] == (189 - 127.5F) / 128);
  const auto planes = LevelPixels{}({picture(4, 5, 3), 0.25});
  CHECK(planes->shape() == tr::Shape{3, 2, 2});
  CHECK(values(planes)[4 + 1] == 162.5F);
  CHECK(error_of(LevelPixels{}({picture(), 1e6})) ==
        "level_pixels: would make a picture of 5 x 4 pixels 1000000.000000 times as large, expected 67108864 pixels at "
        "most");
}

TEST_CASE("windows: boxes of the picture, row by row") {
  std::vector<float> map(60);
  map[1] = 0.7F, map[11] = 0.6F, map[5] = 0.5999F;
  for (std::size_t i = 0; i < 48; ++i) map[12 + i] = static_cast<float>(i) / 100;
  const auto found = Windows{0.6, 12, 2}({picture(), 0.3}, floats(map, {5, 3, 4}));
  if (!found) FAIL(found.error().what());
  CHECK(*found == Boxes{box(10, 3, 46, 40, 0.7F, {0.01F, 0.13F, 0.25F, 0.37F}),
                        box(23, 16, 59, 53, 0.6F, {0.11F, 0.23F, 0.35F, 0.47F})});
  CHECK(Windows{0.6, 12, 2}({picture(), 0.3}, floats({}, {5, 0, 4}))->empty());
  CHECK(error_of(Windows{}({picture(), 0.3}, floats(map, {4, 3, 5}))) ==
        "windows: takes a map of float32 [5, rows, columns] on the CPU, got float32 [4, 3, 5] on cpu");
  CHECK(Windows{0.1, 12, 2}({picture(), 1}, floats({not_number, 0, 0, 0, 0}, {5, 1, 1}))->empty());
}

TEST_CASE("suppress: the best of those that overlap, the highest score first") {
  const Boxes boxes{box(0, 0, 10, 10, 0.9F), box(1, 1, 11, 11, 0.95F), box(0, 0, 4, 10, 0.6F),
                    box(20, 20, 30, 30, 0.31F), box(21, 20, 30, 30, 0.3F)};
  CHECK(scores(Suppress{0.3}(boxes)) == std::vector<float>{0.95F, 0.6F, 0.31F});
  CHECK(scores(Suppress{0.7}(boxes)) == std::vector<float>{0.95F, 0.9F, 0.6F, 0.31F});
  CHECK(scores(Suppress{1}(boxes)).size() == 5);
  // The area that they share, as part of the smaller one's: 3 * 9 of 4 * 10; with a border 4 * 10 of 5 * 11.
  CHECK(scores(Suppress{0.67, OverlapOf::smaller}(boxes)) == std::vector<float>{0.95F, 0.31F});
  CHECK(scores(Suppress{0.7, OverlapOf::smaller, 1}(boxes)) == std::vector<float>{0.95F, 0.31F});
  CHECK(Suppress{0.5}({})->empty());
  // Of equal ones the first.
  const auto equal = Suppress{0.1}({box(1, 0, 10, 10, 0.5F), box(0, 0, 10, 10, 0.5F)});
  REQUIRE(equal->size() == 1);
  CHECK(equal->front().left == 1);
  CHECK(error_of(Suppress{}({box(0, 0, 1, 1, not_number)})) == "suppress: a box's score is not a number");
  // Boxes without an area, or turned inside out, end.
  CHECK(Suppress{0.5}({box(5, 5, 5, 5, 0.5F), box(5, 5, 5, 5, 0.4F), box(9, 9, 0, 0, 0.3F)})->size() == 3);
}

TEST_CASE("shift_boxes, square_boxes, merge_boxes") {
  const Boxes shifted =
      ShiftBoxes{1}({box(1, 2, 11, 32, 0.5F, {0.1F, 0.2F, -0.1F, -0.25F}), box(5, 5, 10, 8, 0, {0, 0, 0.5F, 0.5F})});
  CHECK(shifted[0].left == 2.1F);
  CHECK(shifted[0].top == Approx(8.2F));
  CHECK(shifted[0].right == Approx(9.9F));
  CHECK(shifted[0].bottom == 24.25F);
  CHECK(shifted[0].score == 0.5F);
  CHECK(shifted[0].shift == std::array<float, 4>{});
  CHECK(shifted[1] == box(5, 5, 13, 10));
  const Boxes square = square_boxes(shifted);
  CHECK(square[0].left == Approx(-2.025F));
  CHECK(square[0].right == Approx(14.025F));
  CHECK(square[1] == box(5, 3.5F, 13, 11.5F));
  CHECK(merge_boxes({shifted, {}, square}) == Boxes{shifted[0], shifted[1], square[0], square[1]});
}

TEST_CASE("cut_out: what lies in a box, cut off at the edges; many in a tensor where asked for") {
  // Pixels count from 1: rows 2 to 4, columns 1 to 3.
  const auto cut = CutOut{2}(picture(), {box(1.9F, 2, 3.7F, 4), box(-7, -7, -1, -1), box(3, 3, 90, 90)});
  if (!cut) FAIL(cut.error().what());
  REQUIRE(cut->size() == 3);
  CHECK((*cut)[0].shape() == tr::Shape{1, 2, 2});
  CHECK(values((*cut)[0]) == std::vector<float>{120, 103, 99, 146});
  CHECK(values((*cut)[1]) == std::vector<float>{0, 0, 0, 0});
  CHECK(values((*cut)[2])[3] == (206 + 189) / 2.F);
  CHECK(values(CutOut{2, 20, 2}(picture(), {box(1, 2, 3, 4)})->front())[0] == 50);

  const auto batches = CutOut{2, 0, 1, 2}(picture(), {box(1, 2, 3, 4), box(-7, -7, -1, -1), box(3, 3, 90, 90)});
  REQUIRE(batches->size() == 2);
  CHECK((*batches)[0].shape() == tr::Shape{2, 1, 2, 2});
  CHECK((*batches)[0].row(0) == (*cut)[0]);
  CHECK((*batches)[1].row(0) == (*cut)[2]);
  CHECK(CutOut{2}(picture(), {})->empty());
  CHECK(values(CutOut{1}(picture(), {box(not_number, not_number, not_number, not_number)})->front())[0] == 0);
  CHECK(error_of(CutOut{0}(picture(), {})) == "cut_out: needs a 'size' from 1 to 4096");
}

TEST_CASE("judge_boxes: keeps what is likely, with its shifts and marks") {
  const Boxes boxes{box(0, 0, 9, 19), box(10, 20, 19, 39)};
  const Tensor two = floats({0.7F, 1, 2, 3, 4, 0.5F, 1, 0.25F, 1,  //
                             0.8F, 5, 6, 7, 8, 0.5F, 1, 0.25F, 1},
                            {2, 9});
  const auto kept = JudgeBoxes{0.7}(boxes, {two});
  if (!kept) FAIL(kept.error().what());
  Box expected = box(10, 20, 19, 39, 0.8F, {5, 6, 7, 8});
  expected.marks = {{14, 24}, {19, 39}};
  CHECK(*kept == Boxes{expected});
  // The same, a tensor for each box.
  CHECK(*JudgeBoxes{0.7}(boxes, {two.row(0), two.row(1)}) == *kept);
  CHECK(JudgeBoxes{0.7}({}, {})->empty());
  CHECK(error_of(JudgeBoxes{}(boxes, {two.row(0)})) == "judge_boxes: got 1 answers for 2 boxes");
  CHECK(error_of(JudgeBoxes{}(boxes, {floats({1, 2, 3, 4}, {4})})) ==
        "judge_boxes: takes answers of float32 [5 + 2 n] or [boxes, 5 + 2 n], all of the same n; got float32 [4]");
  CHECK(error_of(JudgeBoxes{}(boxes, {two.row(0), floats({0, 0, 0, 0, 0}, {5})})) ==
        "judge_boxes: takes answers of float32 [5 + 2 n] or [boxes, 5 + 2 n], all of the same n; got float32 [5]");
}

TEST_CASE("draw_boxes: frames and marks on a copy, as far as they are inside") {
  const Tensor grey = Tensor::zeros(tr::DType::uint8, {20, 30, 3});
  Box one = box(5, 4, 15, 14);
  one.marks = {{10, 9}, {-3, 2}};
  const auto drawn = DrawBoxes{1}(grey, {one, box(-100, -100, 500, 900), box(not_number, 1, 2, 3)});
  if (!drawn) FAIL(drawn.error().what());
  const auto pixel = [&](std::size_t x, std::size_t y) {
    const auto bytes = drawn->as<std::uint8_t>();
    return std::vector<int>{bytes[3 * (30 * y + x)], bytes[3 * (30 * y + x) + 1], bytes[3 * (30 * y + x) + 2]};
  };
  const std::vector<int> frame{255, 40, 40}, mark{40, 255, 40}, nothing{0, 0, 0};
  CHECK(pixel(5, 4) == frame);
  CHECK(pixel(14, 13) == frame);
  CHECK(pixel(15, 13) == nothing);
  CHECK(pixel(6, 5) == nothing);
  CHECK(pixel(10, 9) == mark);
  CHECK(pixel(0, 19) == frame);
  CHECK(pixel(29, 0) == frame);
  CHECK(grey.as<std::uint8_t>()[3 * (30 * 4 + 5)] == 0);
  CHECK(error_of(DrawBoxes{}(picture(), {})) == "draw_boxes: takes pictures of 3 channels, got 1");
}

TEST_CASE("add_stages: stages for boxes by their names") {
  tr::Catalog catalog;
  tr::add_stages(catalog);
  const auto text = catalog.describe();
  for (const char* line : {"cut_out(size, mean?, deviation?, batch?): Tensor, Boxes -> std::vector<tailrace::Tensor>\n",
                           "judge_boxes(least): Boxes, std::vector<tailrace::Tensor> -> Boxes\n",
                           "suppress(overlap, of?, border?): Boxes -> Boxes\n",
                           "windows(least, window?, stride?): Level, Tensor -> Boxes\n"})
    CHECK(text.find(line) != text.npos);
  const auto flow = tr::read_flow<Boxes, Boxes>(
      R"({"flow": "thin", "input": "Boxes", "stages": [
          {"name": "apart", "run": {"suppress": {"overlap": 0.5, "of": "smaller", "border": 1}}},
          {"name": "shifted", "run": {"shift_boxes": {"border": 1}}}, {"name": "square", "run": "square_boxes"}]})",
      catalog);
  if (!flow) FAIL(flow.error().what());
  CHECK(tr::write_flow(*flow, catalog));
  auto engine = tr::start(*flow, {.threads = 1}).value();
  const auto thin = engine.run({box(0, 0, 9, 4, 0.5F, {0, 0, 0.5F, 0}), box(0, 0, 9, 4, 0.4F)});
  REQUIRE(thin);
  CHECK(*thin == Boxes{box(0, -5, 14, 9, 0.5F)});

  CHECK(catalog.stage("suppress", {{"overlap", 2}}).error().what() ==
        "suppress: 'overlap' of 'suppress' must be a number from 0 to 1");
  CHECK(catalog.stage("suppress", {{"overlap", 0.5}, {"of", "smallest"}}).error().what() ==
        "suppress: 'of' of 'suppress' is 'smallest', expected 'both' or 'smaller' (did you mean 'smaller'?)");
  CHECK(catalog.stage("cut_out", {{"size", 2.5}, {"deviation", 0}}).error().list().size() == 2);
  CHECK(catalog.stage("pyramid", {{"factor", 1}}).error().what() ==
        "pyramid: 'factor' of 'pyramid' must be from 0.01 to 0.99");
}
