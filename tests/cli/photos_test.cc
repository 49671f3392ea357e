// The photographs' demo with networks that are made up: what needs neither LibTorch nor exported weights.
#include "cli/photos.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "cli/json_lines.h"
#include "cli/models.h"
#include "tailrace/plan/json.h"
#include "tailrace/plan/verify.h"

namespace tr = tailrace;
using namespace tailrace::cli;
using tr::stages::Ranking;

namespace {

const std::string docs = std::string(TEST_SOURCE_DIR) + "/../docs";

// Takes planes of `size` pixels, and is sure of class `likes`, more so for brighter pictures.
class Fake : public tr::Model {
 public:
  Fake(std::int64_t size, std::size_t likes, double sure) : size_(size), likes_(likes), sure_(sure) {}
  tr::Status run(std::span<const tr::Tensor> inputs, std::span<tr::Tensor> outputs) const noexcept override {
    if (inputs[0].shape() != tr::Shape{1, 3, size_, size_})
      return tr::Error(tr::Code::shape_mismatch, "fake", "got " + tr::name(inputs[0].shape()));
    outputs[0] = tr::Tensor::zeros(tr::DType::float32, {1, 1000});
    outputs[0].as<float>()[likes_] = static_cast<float>(sure_ * (1 + inputs[0].as<float>()[0]));
    return {};
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "fake"; }

 private:
  std::int64_t size_;
  std::size_t likes_;
  double sure_;
};

tr::Registry fakes() {
  tr::Registry models;
  models.add("lite0", {.name = "lite0.pt", .model = std::make_shared<Fake>(224, 7, 6)});
  models.add("lite1", {.name = "lite1.pt", .model = std::make_shared<Fake>(240, 8, 9)});
  models.add("lite2", {.name = "lite2.pt", .model = std::make_shared<Fake>(260, 9, 1)});
  return models;
}

// A PNG file of one grey pixel; its check sums are computed here.
tr::image::File grey(unsigned char value) {
  const auto number = [](std::uint32_t x) {
    return std::string{static_cast<char>(x >> 24), static_cast<char>(x >> 16), static_cast<char>(x >> 8),
                       static_cast<char>(x)};
  };
  const auto chunk = [&](const std::string& body) {
    std::uint32_t crc = 0xffffffff;
    for (const char byte : body) {
      crc ^= static_cast<unsigned char>(byte);
      for (int k = 0; k < 8; ++k) crc = (crc & 1) ? 0xedb88320 ^ (crc >> 1) : crc >> 1;
    }
    return number(static_cast<std::uint32_t>(body.size() - 4)) + body + number(~crc);
  };
  const std::string header = "IHDR" + number(1) + number(1) + std::string("\x08\0\0\0\0", 5);
  // One stored block of zlib: no filter, the value.
  const std::uint32_t a = 1u + value, b = 2u + value;
  const std::string data =
      std::string("IDAT\x78\x01\x01\x02\0\xfd\xff\0", 12) + static_cast<char>(value) + number(b << 16 | a);
  return {"grey" + std::to_string(value) + ".png", "\x89PNG\r\n\x1a\n" + chunk(header) + chunk(data) + chunk("IEND")};
}

std::shared_ptr<const tr::Graph> photos_flow() {
  auto graph = read_flow_file(docs + "/flows/photos.json", make_catalog());
  if (!graph) FAIL(graph.error().what());
  return *graph;
}

std::string what_of(const auto& built) { return built ? "no problem" : built.error().what(); }

}  // namespace

TEST_CASE("photos: the repository's flow, each of its rungs alone, and what they cost") {
  if (!have_images()) return;
  const auto graph = photos_flow();
  CHECK(models_of(*graph) == std::vector<std::string>{"lite0", "lite1", "lite2"});
  const auto second = only_rung(*graph, 1);
  REQUIRE(second);
  CHECK(models_of(*second) == std::vector<std::string>{"lite1"});
  CHECK(second->nodes.size() == 8);
  CHECK(second->nodes[2].name == "scores.resize");
  CHECK(tr::verify(*second).empty());

  // White passes lite0's test, grey only lite1's, black none.
  const auto figures = look_at(graph, fakes(), {grey(255), grey(100), grey(0)}, 2, 0.05);
  if (!figures) FAIL(figures.error().what());
  REQUIRE(figures->photos.size() == 3);
  CHECK(figures->photos[0].name == "grey255.png");
  CHECK(figures->photos[0].rung == 0);
  CHECK(figures->photos[1].rung == 1);
  CHECK(figures->photos[2].rung == 2);
  for (const auto& photo : figures->photos) {
    REQUIRE(photo.rungs.size() == 3);
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(photo.rungs[k].size() == 5);
      CHECK(photo.rungs[k][0].index == static_cast<std::int64_t>(7 + k));
    }
  }
  CHECK(figures->photos[0].rungs[0][0].label == "cock");
  const double score = 6 * (1 + 1.), sum = std::exp(score) + 999;
  CHECK(figures->photos[0].rungs[0][0].score == Approx(std::exp(score) / sum));
  REQUIRE(figures->rungs.size() == 3);
  CHECK(figures->rungs[1].model == "lite1");
  CHECK(figures->rungs[0].reached == 1);
  CHECK(figures->rungs[1].reached == Approx(2. / 3));
  CHECK(figures->rungs[2].reached == Approx(1. / 3));
  CHECK(figures->rungs[2].ms > 0);
  CHECK(figures->decode_ms > 0);
  CHECK(figures->cascade_ms > 0);

  const auto text = photos_text(*figures);
  CHECK(text.find("grey100.png\n     lite0   ") != text.npos);
  CHECK(text.find("   > lite1   hen ") != text.npos);
  const auto json = photos_json(*figures);
  CHECK(json.find("\"label\": \"ostrich\"") != json.npos);
  CHECK(json.find("largest_difference") == json.npos);
}

TEST_CASE("photos: what goes wrong names the file or the flow") {
  if (!have_images()) return;
  const auto graph = photos_flow();
  CHECK(what_of(look_at(graph, fakes(), {grey(9), {"notes.txt", "%PDF"}}, 1, 0)) ==
        "picture: notes.txt: not a JPEG or PNG: begins with 25 50 44 46");
  auto wrong = fakes();
  wrong.add("lite0", {.name = "lite0.pt", .model = std::make_shared<Fake>(99, 7, 6)});
  CHECK(what_of(look_at(graph, wrong, {grey(9)}, 1, 0)) == "scores.network: got [1, 3, 224, 224]");

  const auto catalog = make_catalog();
  const auto plain = tr::read_graph(R"({"flow": "plain", "input": "File", "stages": [
      {"name": "picture", "run": "decode"}, {"name": "large", "run": {"resize": {"shorter": 9}}}]})",
                                    catalog);
  REQUIRE(plain);
  CHECK(what_of(look_at(*plain, {}, {grey(9)}, 1, 0)) == "plain: must lead from File to Ranking, as decode and top do");
  CHECK(what_of(only_rung(**plain, 0)) == "plain: has not exactly one cascade");
}

TEST_CASE("photos: labels by name") {
  const auto catalog = make_catalog();
  CHECK(catalog.stage("top", {{"labels", "imagenet"}}));
  CHECK(catalog.stage("top", {{"labels", "imagnet"}}).error().what() ==
        "top: there are no labels named 'imagnet' (did you mean 'imagenet'?)");
}

TEST_CASE("photos: recorded answers, and how far others are from them") {
  const auto recorded = parse_references(R"({"answers": {"a.png": {
      "lite0": [{"index": 1, "label": "goldfish", "probability": 0.75}, {"index": 0, "label": "tench", "probability": 0.2}]}}})");
  if (!recorded) FAIL(recorded.error().what());
  const Ranking expected = {{1, 0.75, "goldfish"}, {0, 0.2, "tench"}};
  CHECK(recorded->at("a.png").at("lite0") == expected);
  CHECK(difference(expected, expected) == 0);
  CHECK(difference({{1, 0.75, "goldfish"}, {0, 0.25, "tench"}}, expected) == Approx(0.05));
  CHECK(std::isinf(difference({{1, 0.75, "goldfish"}, {2, 0.2, "tench"}}, expected)));
  CHECK(std::isinf(difference({{1, 0.75, "goldfish"}, {0, 0.2, "trench"}}, expected)));
  CHECK(std::isinf(difference({{1, 0.75, "goldfish"}}, expected)));

  PhotosFigures figures;
  figures.rungs = {{"lite0", 1, 1}};
  figures.photos = {{"a.png", {{{1, 0.5, "goldfish"}, {0, 0.25, "tench"}}}, 0}};
  CHECK(*difference(figures, *recorded) == Approx(0.25));
  figures.photos[0].name = "b.png";
  CHECK(what_of(difference(figures, *recorded)) == "b.png: there is no recorded answer of lite0");

  CHECK(what_of(parse_references("{")) == "not JSON");
  CHECK(what_of(parse_references("{}")).starts_with("answers: expected an object"));
  CHECK(what_of(parse_references(R"({"answers": {"a.png": 3}})")) ==
        "a.png: expected an object with each network's answer");
  CHECK(what_of(parse_references(R"({"answers": {"a.png": {"lite0": [{"index": 1}]}}})")).starts_with("a.png.lite0: "));
}

TEST_CASE("one line of JSON for a ranking") {
  const Ranking top = {{3, 0.1F, "cat"}, {5, 0.1, ""}};
  CHECK(answer_line(2, tr::Outcome<Ranking>(tr::Result<Ranking>(top))) ==
        R"({"row":2,"top":[{"index":3,"label":"cat","score":0.1},{"index":5,"score":0.1}]})");
}
