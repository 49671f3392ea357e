// Stages for pictures: sizes, planes, stacks and rankings.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "tailrace/exec/start.h"
#include "tailrace/plan/json.h"
#include "tailrace/stages/crop.h"
#include "tailrace/stages/normalise.h"
#include "tailrace/stages/resize.h"
#include "tailrace/stages/stack.h"
#include "tailrace/stages/stages.h"

namespace tr = tailrace;
using tr::Tensor;
using namespace tr::stages;

namespace {

using Bytes = std::vector<std::uint8_t>;

Tensor picture(const Bytes& bytes, tr::Shape shape) {
  const Tensor t = Tensor::zeros(tr::DType::uint8, shape);
  std::copy(bytes.begin(), bytes.end(), t.as<std::uint8_t>().begin());
  return t;
}
Tensor floats(const std::vector<float>& values) {
  const Tensor t = Tensor::zeros(tr::DType::float32, {static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), t.as<float>().begin());
  return t;
}

// The same numbers everywhere, without any pattern.
Tensor noise(tr::Shape shape) {
  const Tensor t = Tensor::zeros(tr::DType::uint8, shape);
  std::uint32_t x = 1;
  for (auto& byte : t.as<std::uint8_t>()) byte = static_cast<std::uint8_t>((x = x * 1664525 + 1013904223) >> 24);
  return t;
}

Bytes bytes(const tr::Result<Tensor>& t) {
  if (!t) FAIL(t.error().what());
  const Tensor flat = t->contiguous() ? *t : t->contiguous_copy();
  return {flat.as<std::uint8_t>().begin(), flat.as<std::uint8_t>().end()};
}

// FNV-1a.
std::uint64_t hash_of(const Bytes& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const auto byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

std::string error_of(const auto& result) { return result ? "no error" : tr::describe(result.error()); }

Tensor flipped(const Tensor& t) {  // height and width change places
  const auto &shape = t.shape(), &strides = t.strides();
  return Tensor::strided(t.data(), t.dtype(), {shape[1], shape[0], shape[2]}, {strides[1], strides[0], strides[2]}, {},
                         t.owner());
}

}  // namespace

TEST_CASE("resize: Pillow 13's answers, bit for bit") {
  const Tensor small = noise({3, 4, 3});
  CHECK(bytes(Resize{.height = 2, .width = 2, .filter = Filter::bilinear}(small)) ==
        Bytes{156, 118, 86, 158, 93, 64, 130, 148, 125, 185, 81, 104});
  CHECK(bytes(Resize{.height = 2, .width = 2}(small)) == Bytes{160, 120, 85, 156, 92, 60, 126, 156, 128, 191, 75, 104});
  CHECK(bytes(Resize{.height = 2, .width = 3}(small)) ==
        Bytes{126, 123, 101, 206, 119, 50, 125, 72, 74, 93, 183, 129, 188, 100, 115, 181, 67, 103});

  // Made with Pillow 13.0.0, from the same noise of 61 by 47 pixels.
  struct Row {
    std::int64_t channels, height, width;
    Filter filter;
    std::uint64_t hash;
  };
  const Row rows[] = {
      {1, 20, 31, Filter::bilinear, 0x9a11a0519f179f3d},   {1, 20, 31, Filter::bicubic, 0x5756059f79f288d3},
      {1, 47, 7, Filter::bilinear, 0x7106414ca4f2a465},    {1, 47, 7, Filter::bicubic, 0x4bfe8483b831f8fa},
      {1, 9, 300, Filter::bilinear, 0xdbf70b161297da2f},   {1, 9, 300, Filter::bicubic, 0xe553b5cb1fb8be39},
      {1, 46, 60, Filter::bilinear, 0x717a735953cc89c2},   {1, 46, 60, Filter::bicubic, 0xba1ab6b3ba6cd255},
      {3, 224, 224, Filter::bilinear, 0xc0e287e904da7d41}, {3, 224, 224, Filter::bicubic, 0x16e7bd788c585616},
      {3, 20, 31, Filter::bilinear, 0x34156313adec740b},   {3, 20, 31, Filter::bicubic, 0x93e345b21f15ec92},
      {3, 10, 61, Filter::bilinear, 0xe4b7a335bc7e37e8},   {3, 10, 61, Filter::bicubic, 0x2c24c0bbf7bf4041},
      {3, 47, 7, Filter::bilinear, 0xe3b66ea6b4cb3d47},    {3, 47, 7, Filter::bicubic, 0x752c40dbf7aad9b1},
      {3, 1, 1, Filter::bilinear, 0x9163e11964da4780},     {3, 1, 1, Filter::bicubic, 0x9d6a0a196c9e4250},
      {3, 9, 300, Filter::bilinear, 0x892a3c396e1185b8},   {3, 9, 300, Filter::bicubic, 0xe7d5dd5e85d9e8d0},
      {3, 46, 60, Filter::bilinear, 0xb1d0bc59e804bb44},   {3, 46, 60, Filter::bicubic, 0x18ca5cd78e677833},
      {4, 20, 31, Filter::bilinear, 0x6283a9823823a79e},   {4, 20, 31, Filter::bicubic, 0x51a245536d42923d},
      {4, 47, 7, Filter::bilinear, 0x2bcba741845a0b10},    {4, 47, 7, Filter::bicubic, 0x1be072718200993b},
      {4, 9, 300, Filter::bilinear, 0x58a19ebe117a6e94},   {4, 9, 300, Filter::bicubic, 0x05ad7b52ffd14607},
      {4, 46, 60, Filter::bilinear, 0x9dc24d7ec5c697db},   {4, 46, 60, Filter::bicubic, 0xa0ed8f15257103c4},
      {2, 20, 31, Filter::bilinear, 0xf7b697a0837f69aa},   {2, 20, 31, Filter::bicubic, 0xac99fe681f09ba13},
      {2, 47, 7, Filter::bilinear, 0x7411010ed9689ef2},    {2, 47, 7, Filter::bicubic, 0x152374e8d4e3f062},
      {2, 9, 300, Filter::bilinear, 0x3e4be677a360428a},   {2, 9, 300, Filter::bicubic, 0xe7f8bbd80568b0ce},
      {2, 46, 60, Filter::bilinear, 0x7a0a292698c3f52c},   {2, 46, 60, Filter::bicubic, 0xd471d5f17e273f73},
  };
  for (const auto& [channels, height, width, filter, hash] : rows) {
    CAPTURE(channels, height, width, static_cast<int>(filter));
    CHECK(hash_of(bytes(Resize{0, height, width, filter}(noise({47, 61, channels})))) == hash);
  }
}

TEST_CASE("resize: the shorter side, and views") {
  const auto size = [](std::int64_t height, std::int64_t width, std::int64_t shorter) {
    return Resize{.shorter = shorter}(noise({height, width, 3}))->shape();
  };
  CHECK(size(300, 451, 256) == tr::Shape{256, 384, 3});  // 384.8
  CHECK(size(451, 300, 256) == tr::Shape{384, 256, 3});
  CHECK(size(7, 7, 20) == tr::Shape{20, 20, 3});
  const Tensor whole = noise({9, 8, 3});
  CHECK(*Resize{.height = 9, .width = 8}(whole) == whole);
  const Tensor flat = picture(Bytes(5 * 4 * 3, 77), {5, 4, 3});
  CHECK(bytes(Resize{.height = 50, .width = 3}(flat)) == Bytes(450, 77));
  const Tensor turned = flipped(whole);
  CHECK(*Resize{.height = 4, .width = 6}(turned) == *Resize{.height = 4, .width = 6}(turned.contiguous_copy()));
}

TEST_CASE("crop: the middle, as a view") {
  Bytes numbers(5 * 6);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::uint8_t>(i);
  const Tensor from = picture(numbers, {5, 6, 1});
  CHECK(bytes(Crop{3, 2}(from)) == Bytes{8, 9, 14, 15, 20, 21});
  CHECK(bytes(Crop{2, 3}(from)) == Bytes{7, 8, 9, 13, 14, 15});  // the pixel more goes below and right
  CHECK(bytes(Crop{1, 1}(*Crop{3, 3}(from))) == Bytes{14});
  CHECK(*Crop{5, 6}(from) == from);
  CHECK(Crop{3, 2}(from)->owner() == from.owner());
  CHECK(error_of(Crop{6, 6}(from)) == "crop: got 6 x 5 pixels, needs 6 x 6 at least");
  CHECK(error_of(Crop{}(from)) == "crop: needs 'height' and 'width' above 0");
}

TEST_CASE("normalise: planes of float32") {
  const Tensor from = picture({127, 0, 255, 191, 63, 1}, {1, 2, 3});
  const auto planes = Normalise{{127, 127, 127}, {128, 128, 128}}(from);
  REQUIRE(planes);
  CHECK(planes->shape() == tr::Shape{3, 1, 2});
  CHECK(*planes == [] {
    const Tensor t = Tensor::zeros(tr::DType::float32, {3, 1, 2});
    const float expected[] = {0, 0.5F, -127 / 128.F, -0.5F, 1, -126 / 128.F};
    std::copy(std::begin(expected), std::end(expected), t.as<float>().begin());
    return t;
  }());
  const auto apart = Normalise{{1, 2, 3}, {1, 2, 4}}(picture({5, 6, 7}, {1, 1, 3}));
  CHECK(apart->as<float>()[0] == 4);
  CHECK(apart->as<float>()[1] == 2);
  CHECK(apart->as<float>()[2] == 1);
  const Tensor view = *Crop{4, 5}(noise({9, 8, 3}));
  CHECK(*Normalise{}(view) == *Normalise{}(view.contiguous_copy()));
  CHECK(error_of(Normalise{}(noise({2, 2, 1}))) == "normalise: takes pictures of 3 channels, got 1");
  CHECK(error_of(Normalise{{}, {1, 0, 1}}(from)) == "normalise: a deviation is 0");
}

TEST_CASE("what is no picture is an error that names what it is") {
  CHECK(error_of(Crop{1, 1}(floats({1}))) == "crop: takes pictures of uint8, got float32 [1]");
  CHECK(error_of(Resize{.shorter = 2}(noise({2, 2}))) ==
        "resize: takes pictures of shape [height, width, channels], got [2, 2]");
  CHECK(error_of(Normalise{}(noise({0, 2, 3}))) ==
        "normalise: takes pictures of shape [height, width, channels], got [0, 2, 3]");
  CHECK(error_of(Resize{.shorter = 2}(noise({2, 2, 5}))) == "resize: takes 1 to 4 channels, got 5");
  CHECK(error_of(Resize{}(noise({2, 2, 3}))) == "resize: needs 'shorter', or 'height' and 'width', above 0");
  CHECK(error_of(Resize{.shorter = 256}(noise({1, 60000, 1}))) ==
        "resize: would make 15360000 x 256 pixels, 67108864 at most");
  std::uint8_t memory[3] = {};
  const auto far =
      Tensor::strided(memory, tr::DType::uint8, {1, 1, 3}, {3, 3, 1}, {tr::Device::Kind::cuda, 1}, nullptr);
  CHECK(error_of(Crop{1, 1}(far)) == "crop: takes pictures on the CPU, got one on cuda:1");
  CHECK(error_of(Crop{1, 1}(Tensor::view(nullptr, tr::DType::uint8, {1, 1, 3}))) == "crop: got a picture without data");
}

TEST_CASE("stack: rows of one tensor") {
  const Tensor a = picture({1, 2}, {1, 2}), b = picture({3, 4}, {1, 2});
  const auto both = stack({a, b});
  REQUIRE(both);
  CHECK(*both == picture({1, 2, 3, 4}, {2, 1, 2}));
  const Tensor turned = Tensor::strided(a.data(), tr::DType::uint8, {2, 1}, {1, 2}, {}, a.owner());
  CHECK(*stack({turned}) == picture({1, 2}, {1, 2, 1}));
  CHECK(stack({Tensor::zeros(tr::DType::float32, {0, 3})})->shape() == tr::Shape{1, 0, 3});
  CHECK(error_of(stack({})) == "stack: got no tensors");
  CHECK(error_of(stack({a, floats({1, 2})})) == "stack: tensor 1 is float32 [2], the first one uint8 [1, 2]");
  CHECK(error_of(stack({noise({1, 1, 1, 1, 1, 1, 1, 1})})) ==
        "stack: has no room for a dimension in front of uint8 [1, 1, 1, 1, 1, 1, 1, 1]");
}

TEST_CASE("top: the largest first, of equal ones the first") {
  const auto ranking = Top{.k = 3}(floats({0.1F, 0.5F, 0.25F, 0.5F}));
  REQUIRE(ranking);
  CHECK(*ranking == Ranking{{1, 0.5, ""}, {3, 0.5, ""}, {2, 0.25, ""}});
  const auto labels = std::make_shared<const Labels>(Labels{"cat", "dog"});
  CHECK(*Top{.k = 5, .labels = labels}(floats({1, 2})) == Ranking{{1, 2, "dog"}, {0, 1, "cat"}});
  CHECK(Top{}(floats({}))->empty());
  constexpr float infinity = std::numeric_limits<float>::infinity();
  CHECK(Top{.k = 1}(floats({-infinity, infinity}))->front().index == 1);
  CHECK(error_of(Top{.k = 5, .labels = labels}(floats({1, 2, 3}))) == "top: got 3 scores for 2 labels");
  CHECK(error_of(Top{}(floats({0, std::nanf("")}))) == "top: an element is not a number");
  CHECK(error_of(Top{}(noise({3}))) == "top: takes float32 or float64, got uint8");
}

TEST_CASE("add_stages: pictures and rankings in JSON") {
  tr::Catalog catalog;
  const auto animals = std::make_shared<const Labels>(Labels{"cat", "dog", "fox"});
  tr::add_stages(catalog, [&](const std::string& name) -> tr::Built<std::shared_ptr<const Labels>> {
    if (name == "animals") return animals;
    return tr::Problems(tr::Code::unknown_name, "top", "there are no labels named '" + name + "'");
  });
  CHECK(catalog.problems().empty());
  const auto flow = tr::read_flow<Tensor, Ranking>(R"({"flow": "f", "input": "Tensor", "stages": [
      {"name": "large", "run": {"resize": {"shorter": 8}}},
      {"name": "middle", "run": {"crop": {"height": 1, "width": 1}}},
      {"name": "planes", "run": {"normalise": {"means": "1, 2 ,3", "deviation": 2}}},
      {"name": "best", "run": {"top": {"k": 2, "labels": "animals"}}}]})",
                                                   catalog);
  if (!flow) FAIL(flow.error().what());
  auto engine = tr::start(*flow, {.threads = 1}).value();
  CHECK(engine.run(picture({11, 8, 33}, {1, 1, 3})).value() == Ranking{{2, 15, "fox"}, {0, 5, "cat"}});
  CHECK(tr::describe(engine.run(floats({1})).error()) == "large: takes pictures of uint8, got float32 [1]");
  CHECK(tr::write_flow(*flow, catalog));

  const auto mistake = [&](const std::string& name, const tr::Parameters& parameters) {
    const auto made = catalog.stage(name, parameters);
    return made ? "no mistake" : made.error().what();
  };
  CHECK(mistake("resize", {}) == "resize: 'resize' needs either 'shorter', or 'height' and 'width'");
  CHECK(mistake("resize", {{"shorter", 9}, {"height", 9}, {"width", 9}}) == mistake("resize", {}));
  CHECK(mistake("resize", {{"height", 9}}) == mistake("resize", {}));
  CHECK(mistake("resize", {{"height", 9}, {"width", 9}, {"filter", "bilinear"}}) == "no mistake");
  CHECK(mistake("resize", {{"shorter", 0}}) == "resize: 'shorter' of 'resize' must be a whole number from 1 to 65536");
  CHECK(mistake("resize", {{"shorter", 9}, {"filter", "bicubik"}}) ==
        "resize: 'filter' of 'resize' is 'bicubik', expected 'bilinear' or 'bicubic' (did you mean 'bicubic'?)");
  CHECK(mistake("crop", {{"height", 2}, {"width", 2.5}}) ==
        "crop: 'width' of 'crop' must be a whole number from 1 to 65536");
  CHECK(mistake("normalise", {{"deviation", 0}}) == "normalise: a deviation of 'normalise' is 0");
  CHECK(mistake("normalise", {{"mean", 1}, {"means", "1,2,3"}}) ==
        "normalise: 'normalise' takes 'mean' or 'means', got both");
  for (const char* wrong : {"", "1,2", "1,2,3,4", "1 2 3", "1,2,x", "1,2,inf"})
    CHECK(mistake("normalise", {{"means", wrong}}) ==
          "normalise: 'means' of 'normalise' must be three numbers between commas, as \"1, 2.5, 3\"");
  CHECK(mistake("top", {{"k", 0}}) == "top: 'k' of 'top' must be a whole number from 1 to 65536");
  CHECK(mistake("top", {{"labels", "plants"}}) == "top: there are no labels named 'plants'");
  tr::Catalog none;
  tr::add_stages(none);
  CHECK(none.stage("top", {{"labels", "animals"}}).error().what() == "top: there are no labels named 'animals'");
}

TEST_CASE("stages made in C++ are written as JSON that makes the same") {
  const auto text = [](const auto& stage) {
    std::string all = stage.options.function;
    for (const auto& p : stage.options.parameters.list())
      all += " " + p.name + "=" + (p.is_text ? p.text : std::to_string(static_cast<int>(p.number)));
    return all;
  };
  CHECK(text(resize({.shorter = 256, .filter = Filter::bilinear})) == "resize shorter=256 filter=bilinear");
  CHECK(text(resize({.height = 2, .width = 3})) == "resize height=2 width=3");
  CHECK(text(crop({2, 3})) == "crop height=2 width=3");
  CHECK(text(normalise({{127, 127, 127}, {1, 1, 1}})) == "normalise mean=127");
  CHECK(text(normalise({{123.675, 116.28, 103.53}, {128, 128, 128}})) ==
        "normalise means=123.675, 116.28, 103.53 deviation=128");
}
