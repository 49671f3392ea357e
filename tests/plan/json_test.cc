// Each form of a stage, in JSON and in C++: the graphs are equal, and what is written reads as the same graph.
#include "tailrace/plan/json.h"

#include <catch2/catch.hpp>

#include "plan/json_world.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"

using namespace json_world;

namespace {

const tr::Catalog catalog = make_catalog();

using Images = tr::Stream<Image>;

tr::ModelStage<Image, Label> model(std::string name, tr::Need need = {}) {
  tr::ModelUse use;
  use.name = std::move(name);
  use.need = need;
  return {std::move(use), digit_conversion()};
}

std::shared_ptr<const tr::Graph> read(const std::string& text) {
  auto graph = tr::read_graph(text, catalog);
  if (!graph) FAIL(graph.error().what());
  return *graph;
}

std::string flow_of(const std::string& stages) {
  return R"({"flow": "f", "input": "Image", "stages": [)" + stages + "]}";
}

// The JSON says the same as the C++ flow, and the C++ flow can be written and read again.
template <class In, class Out>
void check_equal(const std::string& stages, const tr::Flow<In, Out>& flow) {
  INFO(stages);
  CHECK(flow.graph().problems.what() == "");
  const auto graph = read(flow_of(stages));
  CHECK(tr::difference(*graph, flow.graph()) == "");
  const auto text = tr::write_flow(flow, catalog);
  if (!text) FAIL(text.error().what());
  INFO(*text);
  CHECK(tr::difference(*read(*text), flow.graph()) == "");
  CHECK(tr::read_flow<In, Out>(*text, catalog));
}

}  // namespace

TEST_CASE("JSON: run, with and without from, with and without parameters") {
  check_equal(R"({"name": "normalise", "from": "input", "run": "normalise"}, {"name": "b", "run": "best"})",
              tr::flow<Image>(
                  "f", [](Images in) { return in.then("normalise", normalise).then("b", tr::named("best", best)); }));
  check_equal(R"({"name": "smaller", "run": {"scale": {"unit": "m", "by": 0.0625}}}, {"name": "best", "run": "best"})",
              tr::flow<Image>("f", [](Images in) {
                return in.then("smaller", tr::named("scale", {{"by", 0.0625}, {"unit", "m"}}, Scale{0.0625}))
                    .then("best", best);
              }));
  check_equal("", tr::flow<Image>("f", [](Images in) { return in; }));
}

TEST_CASE("JSON: models and cascades") {
  check_equal(R"({"name": "label", "model": "digit", "need": {"accuracy": 0.98}})",
              tr::flow<Image>("f", [](Images in) { return in.then("label", model("digit", {.accuracy = 0.98})); }));
  const tr::Device cuda{tr::Device::Kind::cuda, 1};
  check_equal(R"({"name": "label", "model": "digit", "device": "cuda:1", "need": {"accuracy": 0.98}})",
              tr::flow<Image>("f", [&](Images in) {
                return in.then("label", model("digit", {.accuracy = 0.98, .device = cuda}));
              }));
  check_equal(R"({"name": "label", "model": "digit", "device": "cpu"})", tr::flow<Image>("f", [](Images in) {
                return in.then("label", model("digit", {.device = tr::Device{}}));
              }));
  check_equal(R"({"name": "label", "from": "input", "cascade": [
                   {"model": "tiny", "exit_if": {"margin": {"least": 0.8}}},
                   {"run": "worst", "exit_if": "confident"},
                   {"model": "large", "need": {"accuracy": 0.5}}], "fallback": false})",
              tr::flow<Image>("f", [](Images in) {
                return tr::cascade("label", in, tr::no_fallback,
                                   tr::exit_if(model("tiny"), tr::named("margin", {{"least", 0.8}}, Margin{0.8})),
                                   tr::exit_if(tr::named("worst", worst), tr::named("confident", confident)),
                                   model("large", {.accuracy = 0.5}));
              }));
}

TEST_CASE("JSON: a cascade's reserve") {
  check_equal(R"({"name": "label", "cascade": [{"run": "best", "exit_if": "confident"}, {"run": "worst"}],
                  "reserve_ms": 2.5})",
              tr::flow<Image>("f", [](Images in) {
                return tr::cascade("label", in, tr::reserve(std::chrono::microseconds(2500)),
                                   tr::exit_if(tr::named("best", best), tr::named("confident", confident)),
                                   tr::named("worst", worst));
              }));
}

TEST_CASE("JSON: quorum") {
  check_equal(R"({"name": "vote", "quorum": [{"run": "best"}, {"run": "worst"}, {"model": "digit"}], "agree": 2})",
              tr::flow<Image>("f", [](Images in) {
                return tr::quorum("vote", 2, in, tr::named("best", best), tr::named("worst", worst), model("digit"));
              }));
}

TEST_CASE("JSON: hedge") {
  check_equal(R"({"name": "h", "hedge": [{"model": "digit"}], "policy": {"fixed": {"delay_ms": 20}}})",
              tr::flow<Image>("f", [](Images in) {
                return tr::hedge("h", in, {"fixed", {{"delay_ms", 20}}}, model("digit"));
              }));
  check_equal(R"({"name": "h", "hedge": [{"run": "best"}, {"run": "worst"}]})", tr::flow<Image>("f", [](Images in) {
                return tr::hedge("h", in, {"adaptive"}, tr::named("best", best), tr::named("worst", worst));
              }));
}

TEST_CASE("JSON: staged, its stages functions, models and flows") {
  const auto again = tr::flow<Image>(
      "again", [](Images in) { return in.then("sharpen", tr::named("normalise", normalise)).then("count", count); });
  check_equal(
      R"({"name": "early", "staged": [{"run": "glance"}, {"flow": {"name": "again", "stages": [
           {"name": "sharpen", "run": "normalise"}, {"name": "count", "run": "count"}]}}, {"run": "of_count"}]})",
      tr::flow<Image>("f", [&](Images in) {
        return tr::staged("early", in, tr::named("glance", glance), again, tr::named("of_count", of_count));
      }));
  check_equal(R"({"name": "early", "staged": [{"run": "glance"}, {"model": "digit"}]})",
              tr::flow<Image>(
                  "f", [](Images in) { return tr::staged("early", in, tr::named("glance", glance), model("digit")); }));
  check_equal(R"({"name": "early", "staged": [{"run": "guess"}, {"run": "best"}], "reserve_ms": 2.5})",
              tr::flow<Image>("f", [](Images in) {
                return tr::staged("early", in, tr::reserve(std::chrono::microseconds(2500)), tr::named("guess", guess),
                                  tr::named("best", best));
              }));
}

TEST_CASE("JSON: race, choose and arms that are flows") {
  check_equal(
      R"({"name": "r", "race": [{"run": "best"}, {"flow": {"name": "slow", "stages": [
                   {"name": "normalise", "run": "normalise"}, {"name": "worst", "run": "worst"}]}}], "valid": "confident"})",
      tr::flow<Image>("f", [](Images in) {
        auto slow =
            tr::flow<Image>("slow", [](Images i) { return i.then("normalise", normalise).then("worst", worst); });
        return tr::race("r", in, tr::valid_if(tr::named("confident", confident)), tr::named("best", best), slow);
      }));
  check_equal(R"({"name": "r", "race": [{"run": "best"}, {"model": "m"}]})",
              tr::flow<Image>("f", [](Images in) { return tr::race("r", in, tr::named("best", best), model("m")); }));
  check_equal(
      R"({"name": "c", "choose": [{"stages": []}, {"run": "normalise"}, {"flow": {"stages": [{"name": "n", "run": "normalise"}]}}],
                  "select": "which"})",
      tr::flow<Image>("f", [](Images in) {
        auto nothing = tr::flow<Image>("", [](Images i) { return i; });
        auto nameless = tr::flow<Image>("", [](Images i) { return i.then("n", tr::named("normalise", normalise)); });
        return tr::choose("c", in, tr::named("which", which), nothing, tr::named("normalise", normalise), nameless);
      }));
}

TEST_CASE("JSON: joins, each and flows inside") {
  check_equal(
      R"({"name": "best", "from": "input", "run": "best"}, {"name": "brightness", "from": "input", "run": "brightness"},
                 {"name": "both", "from": ["best", "brightness"], "join": "both"})",
      tr::flow<Image>("f", [](Images in) {
        return tr::join_with("both", both, in.then("best", best), in.then("brightness", brightness));
      }));
  check_equal(
      R"({"name": "brightness", "from": "input", "run": "brightness"}, {"name": "best", "from": "input", "run": "best"},
                 {"name": "t", "from": ["best", "brightness"], "join": "tuple"}, {"name": "of_tuple", "run": "of_tuple"})",
      tr::flow<Image>("f", [](Images in) {
        return tr::join("t", in.then("best", best), in.then("brightness", brightness)).then("of_tuple", of_tuple);
      }));
  check_equal(
      R"({"name": "crop", "run": "crop"}, {"name": "labels", "each": {"run": "best"}}, {"name": "most", "run": "most"})",
      tr::flow<Image>("f", [](Images in) {
        return tr::each("labels", in.then("crop", crop), tr::named("best", best)).then("most", most);
      }));
  check_equal(R"({"name": "crop", "run": "crop"}, {"name": "labels", "each": {"flow": {"name": "one", "stages": [
                   {"name": "best", "run": "best"}]}}, "keep": true}, {"name": "first_good", "run": "first_good"})",
              tr::flow<Image>("f", [](Images in) {
                auto one = tr::flow<Image>("one", [](Images i) { return i.then("best", best); });
                return tr::each("labels", in.then("crop", crop), one, tr::keep).then("first_good", first_good);
              }));
  check_equal(R"({"name": "tidy", "flow": {"name": "any", "stages": [{"name": "normalise", "run": "normalise"},
                   {"name": "again", "flow": {"stages": [{"name": "normalise", "run": "normalise"}]}}]}},
                 {"name": "best", "from": "tidy", "run": "best"})",
              tr::flow<Image>("f", [](Images in) {
                auto again = tr::flow<Image>("x", [](Images i) { return i.then("normalise", normalise); });
                auto tidy = tr::flow<Image>(
                    "tidy", [&](Images i) { return i.then("normalise", normalise).then("again", again); });
                return in.then("tidy", tidy).then("best", best);
              }));
}

TEST_CASE("JSON: what is written is for people") {
  const auto flow = tr::flow<Image>("classify", [](Images in) {
    auto scaled = in.then("scale", tr::named("scale", {{"by", 0.0625}, {"unit", "\"m\""}}, Scale{}));
    return tr::cascade(
        "label", scaled, tr::exit_if(model("tiny", {.accuracy = 0.9}), tr::named("margin", {{"least", 0.8}}, Margin{})),
        tr::exit_if(model("middle"), tr::named("confident", confident)), model("large", {.accuracy = 0.98}));
  });
  CHECK(*tr::write_flow(flow, catalog) == R"({ "flow": "classify", "input": "Image",
  "stages": [
    {"name": "scale", "from": "input", "run": {"scale": {"by": 0.0625, "unit": "\"m\""}}},
    {"name": "label", "from": "scale", "cascade": [
      {"model": "tiny", "need": {"accuracy": 0.9}, "exit_if": {"margin": {"least": 0.8}}},
      {"model": "middle", "exit_if": "confident"},
      {"model": "large", "need": {"accuracy": 0.98}}]}] }
)");
  CHECK(tr::write_flow(flow)->find(R"("input": "json_world::Image")") != std::string::npos);
}

TEST_CASE("JSON: a function without a name cannot be written, and is told how to get one") {
  const auto flow = tr::flow<Image>("f", [](Images in) {
    auto label = tr::cascade("label", in, tr::exit_if(model("tiny"), confident), best);
    return label.then("shift", [](const Label& l) { return l; });
  });
  const auto text = tr::write_flow(flow, catalog);
  REQUIRE(!text);
  CHECK(text.error().what() ==
        "label[0]: this exit test has no name to write; give it the one it has in the Catalog: tr::named(\"its_name\", "
        "function)\n"
        "label[1]: this function has no name to write; give it the one it has in the Catalog: tr::named(\"its_name\", "
        "function)\n"
        "shift: there is no stage named 'shift' in the catalog");
}

TEST_CASE("JSON: numbers that JSON does not have, and names that are not UTF-8") {
  const auto infinite = tr::flow<Image>("f", [](Images in) {
    return in.then("s", tr::named("scale", {{"by", std::numeric_limits<double>::infinity()}}, Scale{}));
  });
  CHECK(tr::write_flow(infinite).error().what() == "s: JSON has no infinite numbers and no NaN");
  const auto latin = tr::flow<Image>("f", [](Images in) { return in.then("gr\xf6sser", tr::named("scale", Scale{})); });
  CHECK(tr::write_flow(latin).error().what().find("not UTF-8") != std::string::npos);
}

TEST_CASE("JSON: the ends of a typed flow are checked") {
  const std::string text = flow_of(R"({"name": "best", "run": "best"})");
  CHECK(tr::read_flow<Image, Label>(text, catalog));
  CHECK(tr::read_flow<Label, Label>(text, catalog).error().what().find("1:24: the flow takes Image, expected Label") ==
        0);
  CHECK(tr::read_flow<Image, int>(text, catalog).error().what() == "1:44: best: the flow gives Label, expected int");
  const std::string without = R"({"flow": "f", "stages": [{"name": "best", "run": "best"}]})";
  CHECK(tr::read_flow<Image, Label>(without, catalog));
  CHECK(tr::read_graph(without, catalog).error().what() ==
        "1:1: 'input' is missing: the name of the type that the flow takes");
}
