// The faces' demo: what needs neither LibTorch nor exported weights.
#include "cli/faces.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "cli/models.h"

namespace tr = tailrace;
using namespace tailrace::cli;
using tr::stages::Boxes;

namespace {

const std::string docs = std::string(TEST_SOURCE_DIR) + "/../docs";

Boxes one_face() { return {{10, 20, 110, 220, 0.9F, {}, {{30, 40}, {50, 60}}}}; }

std::string problem_of(const std::string& text) {
  const auto references = parse_face_references(text);
  return references ? "no problem" : references.error().what();
}

// Is there, so that a flow can be started.
class Blind : public tr::Model {
 public:
  tr::Status run(std::span<const tr::Tensor>, std::span<tr::Tensor>) const noexcept override {
    return tr::Error(tr::Code::unsupported, "blind", "sees nothing");
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "blind"; }
};

}  // namespace

TEST_CASE("faces: recorded faces are read, and differences are in parts of the value") {
  const auto references = parse_face_references(
      R"({"faces": {"a.png": [{"box": [10, 20, 110, 220], "score": 0.9, "marks": [[30, 40], [50, 60]]}], "b.png": []}})");
  if (!references) FAIL(references.error().what());
  CHECK(difference(references->at("a.png"), one_face()) == 0);
  CHECK(*difference({{"a.png", one_face()}, {"b.png", {}}}, *references) == 0);
  auto moved = one_face();
  moved[0].right = 110 * 1.01F;
  CHECK(difference(moved, one_face()) == Approx(0.01).epsilon(1e-4));
  moved = one_face();
  moved[0].score = 0.85F;
  CHECK(difference(moved, one_face()) == Approx(0.05).epsilon(1e-4));
  moved[0].marks[1].y = 63;
  CHECK(difference(moved, one_face()) == Approx(0.05).epsilon(1e-4));
  moved[0].left = std::nanf("");
  CHECK_FALSE(difference(moved, one_face()) < 1);
  CHECK(std::isinf(difference({}, one_face())));
  CHECK(difference({{"c.png", {}}}, *references).error().what() == "c.png: there are no recorded faces of it");

  CHECK(problem_of("{") == "not JSON");
  CHECK(problem_of("{}") == "faces: expected an object with a list of faces for each photograph");
  CHECK(problem_of(R"({"faces": {"a.png": [{"box": [1, 2, 3], "score": 1, "marks": []}]}})") ==
        "a.png[0]: expected {\"box\": [4 numbers], \"score\": number, \"marks\": [[x, y], ...]}");
}

TEST_CASE("faces: what was found, as text and as JSON") {
  FacesFigures figures;
  figures.flows = {"faces.json", "batches.json"};
  figures.explanation = {"the plan\n", ""};
  figures.photo_ms = {20, 10};
  figures.photos = {{"a.png", one_face()}, {"b.png", {}}};
  figures.difference = 1e-6;
  const auto text = faces_text(figures);
  CHECK(text.find("  a.png           1 face\n      90.0 % sure, 100 x 200 pixels at (10, 20)\n") != text.npos);
  CHECK(text.find("  b.png           no faces\n") != text.npos);
  CHECK(text.find("  10.0 ms a photograph: batches.json\n") != text.npos);
  CHECK(text.find("by 1.0e-06 at most") != text.npos);
  const auto json = faces_json(figures);
  CHECK(json.find("\"largest_difference\": 1e-06") != json.npos);
  CHECK(json.find("\"photo\": \"b.png\",\n      \"faces\": []") != json.npos);
}

TEST_CASE("faces: both of the repository's flows start, and name a file that is no picture") {
  if (!have_images()) return;
  std::vector<FaceFlow> flows;
  for (const char* name : {"/flows/faces.json", "/flows/faces_batches.json"}) {
    auto graph = read_flow_file(docs + name, make_catalog());
    if (!graph) FAIL(graph.error().what());
    FaceFlow flow{*std::move(graph), {}};
    for (const auto& model : models_of(*flow.graph))
      flow.models.add(model, {.name = model + ".pt", .model = std::make_shared<Blind>()});
    flows.push_back(std::move(flow));
  }
  CHECK(models_of(*flows[1].graph) == std::vector<std::string>{"pnet", "rnet_batches", "onet_batches"});
  const auto wrong = find_faces(flows, {{"notes.txt", "%PDF"}}, 1, 0);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().what() == "picture: notes.txt: not a JPEG or PNG: begins with 25 50 44 46");
}
