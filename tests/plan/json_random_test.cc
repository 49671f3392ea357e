// Random flows: the same one written in C++ and as JSON gives equal graphs, and what is written reads as what it was.
#include <catch2/catch.hpp>
#include <random>
#include <variant>

#include "plan/json_world.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/plan/json.h"

using namespace json_world;

namespace {

using Images = tr::Stream<Image>;

Image brighter(const Image& image) { return image; }
Image darker(const Image& image) { return image; }
Image blend(const Image& a, const Image& b) { return {a.pixels + b.pixels}; }
Image montage(const std::vector<Image>& images) { return images.empty() ? Image{} : images.front(); }
int bright(const Image& image) { return image.pixels; }
Image grey(const int& pixels) { return {pixels}; }
using Glimpse = tr::Exit<Image, Image>;
Glimpse glimpse(const Image& image) { return Glimpse::go_on(image); }
bool good(const Image& image) { return image.pixels > 0; }

tr::Conversion<Image, Image> image_conversion() {
  return {[](const Image&) { return tr::Result<tr::Tensor>(tr::Tensor()); },
          [](const tr::Tensor&) { return tr::Result<Image>(Image()); }};
}
tr::ModelStage<Image, Image> image_model(std::string name, double accuracy) {
  tr::ModelUse use;
  use.name = std::move(name);
  use.need = {accuracy};
  return {std::move(use), image_conversion()};
}

tr::Catalog make_image_catalog() {
  tr::Catalog c;
  c.add_type<Image>("Image").add("brighter", brighter).add("darker", darker).add("blend", blend).add("crop", crop);
  c.add("glimpse", glimpse)
      .add("bright", bright)
      .add("grey", grey)
      .add("montage", montage)
      .add_test("good", good)
      .add_test("which", which);
  c.add_factory("scale", {{"by"}, {"unit", false, true}},
                [](const tr::Parameters& p) { return Scale{p.number("by", 1)}; });
  c.default_model<Image, Image>(image_conversion());
  return c;
}
const tr::Catalog catalog = make_image_catalog();

// Writes one random flow of images twice at once: as C++ calls and as JSON.
class Author {
 public:
  explicit Author(unsigned seed) : random_(seed) {}

  // `stages` gets the JSON of the stages.
  tr::Flow<Image, Image> flow(const std::string& name, int depth, std::string& stages) {
    return tr::flow<Image>(name, [&](Images in) {
      std::vector<std::pair<Images, std::string>> open{{in, "input"}};
      for (std::size_t i = below(4); i > 0; --i) {
        auto [stream, from] = open[below(open.size())];
        const std::string stage = "s" + std::to_string(open.size());
        std::string json;
        Images out = add(stream, stage, depth, json);
        put(stages, R"({"name": ")" + stage + R"(", "from": ")" + from + "\", " + json + "}");
        open.emplace_back(out, stage);
      }
      return gathered(open, stages);
    });
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  static void put(std::string& list, const std::string& json) { list += (list.empty() ? "" : ",\n") + json; }

  // Joins all streams one after another, so that none stays unused.
  Images gathered(std::vector<std::pair<Images, std::string>>& open, std::string& stages) {
    auto [all, from] = open.back();
    for (std::size_t i = open.size() - 1; i-- > 1;) {
      const std::string stage = "j" + std::to_string(i);
      all = tr::join_with(stage, tr::named("blend", blend), all, open[i].first);
      put(stages,
          R"({"name": ")" + stage + R"(", "from": [")" + from + "\", \"" + open[i].second + R"("], "join": "blend"})");
      from = stage;
    }
    return all;
  }

  using Arm = std::variant<tr::Wrapped<Image (*)(const Image&)>, tr::ModelStage<Image, Image>, tr::Flow<Image, Image>,
                           tr::Wrapped<Scale>>;
  Arm arm(int depth, std::string& json) {
    switch (below(depth > 0 ? 4 : 3)) {
      case 0: json = R"("run": "darker")"; return tr::named("darker", darker);
      case 1: json = R"("model": "m", "need": {"accuracy": 0.75})"; return image_model("m", 0.75);
      case 2:
        json = R"("run": {"scale": {"unit": "m", "by": 0.1}})";
        return tr::named("scale", {{"by", 0.1}, {"unit", "m"}}, Scale{});
      default: break;
    }
    std::string stages;
    const std::string name = below(2) ? "inner" : "";
    auto inner = flow(name, depth - 1, stages);
    if (name.empty() && below(2)) json = "\"stages\": [" + stages + "]";
    else json = "\"flow\": {\"name\": \"" + name + "\", \"stages\": [" + stages + "]}";
    return inner;
  }

  Images add(Images in, const std::string& name, int depth, std::string& json) {
    switch (below(depth > 0 ? 9 : 2)) {
      case 0: json = R"("run": "brighter")"; return in.then(name, tr::named("brighter", brighter));
      case 1: json = R"("model": "n")"; return in.then(name, image_model("n", 0));
      case 2: return spliced(in, name, depth, json);
      case 3: return raced(in, name, depth, json);
      case 4: return cascaded(in, name, depth, json);
      case 5: return chosen(in, name, depth, json);
      case 6: return staged(in, name, depth, json);
      case 7: return voted(in, name, depth, json);
      default: return each(in, name, depth, json);
    }
  }
  Images spliced(Images in, const std::string& name, int depth, std::string& json) {
    std::string stages;
    auto inner = flow(name, depth - 1, stages);
    json = "\"flow\": {\"stages\": [" + stages + "]}";
    return in.then(name, inner);
  }
  Images raced(Images in, const std::string& name, int depth, std::string& json) {
    std::string a, b;
    const Arm first = arm(depth, a), second = arm(depth - 1, b);
    const bool valid = below(2);
    json = "\"race\": [{" + a + "}, {" + b + "}]" + (valid ? R"(, "valid": "good")" : "");
    return std::visit(
        [&](auto& x, auto& y) {
          return valid ? tr::race(name, in, tr::valid_if(tr::named("good", good)), x, y) : tr::race(name, in, x, y);
        },
        first, second);
  }
  Images cascaded(Images in, const std::string& name, int depth, std::string& json) {
    std::string a, b;
    const Arm first = arm(depth - 1, a), second = arm(depth, b);
    const bool fallback = below(2);
    const int ms = fallback ? -1 : static_cast<int>(below(3)) - 1;  // reserved; below 0: nothing is
    json = "\"cascade\": [{" + a + R"(, "exit_if": "good"}, {)" + b + "}]" +
           (fallback ? "" : R"(, "fallback": false)") + (ms < 0 ? "" : R"(, "reserve_ms": )" + std::to_string(ms));
    return std::visit(
        [&](auto& x, auto& y) {
          auto rung = tr::exit_if(x, tr::named("good", good));
          if (ms >= 0)
            return tr::cascade(name, in, tr::no_fallback, tr::reserve(std::chrono::milliseconds(ms)), rung, y);
          return fallback ? tr::cascade(name, in, rung, y) : tr::cascade(name, in, tr::no_fallback, rung, y);
        },
        first, second);
  }
  Images chosen(Images in, const std::string& name, int depth, std::string& json) {
    std::string a;
    const Arm only = arm(depth, a);
    json = "\"choose\": [{" + a + R"(}], "select": "which")";
    return std::visit([&](auto& x) { return tr::choose(name, in, tr::named("which", which), x); }, only);
  }
  Images voted(Images in, const std::string& name, int depth, std::string& json) {
    std::string stages;
    const auto measured = flow("measured", depth - 1, stages);
    const std::string arm = R"({"flow": {"name": "arm", "stages": [{"name": "m", "flow": {"stages": [)" + stages +
                            R"(]}}, {"name": "bright", "run": "bright"}]}})";
    const int agree = 1 + static_cast<int>(below(2));
    json = R"("flow": {"stages": [{"name": "vote", "quorum": [)" + arm + R"(, {"run": "bright"}], "agree": )" +
           std::to_string(agree) + R"(}, {"name": "grey", "run": "grey"}]})";
    const auto flow_arm =
        tr::flow<Image>("arm", [&](Images i) { return i.then("m", measured).then("bright", bright); });
    const auto inner = tr::flow<Image>("any", [&](Images i) {
      return tr::quorum("vote", agree, i, flow_arm, tr::named("bright", bright)).then("grey", grey);
    });
    return in.then(name, inner);
  }
  Images staged(Images in, const std::string& name, int depth, std::string& json) {
    std::string a;
    const Arm last = arm(depth, a);
    json = R"("staged": [{"run": "glimpse"}, {)" + a + "}]";
    return std::visit([&](auto& x) { return tr::staged(name, in, tr::named("glimpse", glimpse), x); }, last);
  }
  Images each(Images in, const std::string& name, int depth, std::string& json) {
    std::string a;
    const Arm only = arm(depth, a);
    json = R"("flow": {"stages": [{"name": "crop", "run": "crop"}, {"name": "all", "each": {)" + a +
           R"(}}, {"name": "montage", "run": "montage"}]})";
    return std::visit(
        [&](auto& x) {
          auto inner = tr::flow<Image>(
              "any", [&](Images i) { return tr::each("all", i.then("crop", crop), x).then("montage", montage); });
          return in.then(name, inner);
        },
        only);
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("Random flows are equal in C++ and as JSON, and survive being written and read") {
  std::size_t nodes = 0;
  for (unsigned seed = 0; seed < 400; ++seed) {
    std::string stages;
    const auto flow = Author(seed).flow("f", 3, stages);
    const std::string text = R"({"flow": "f", "input": "Image", "stages": [)" + stages + "]}";
    const auto read = tr::read_graph(text, catalog);
    if (!read) FAIL(seed << "\n" << text << "\n" << read.error().what());
    if (!(**read == flow.graph())) FAIL(seed << "\n" << text << "\n" << tr::difference(**read, flow.graph()));
    const auto written = tr::write_flow(flow, catalog);
    if (!written) FAIL(seed << "\n" << written.error().what());
    const auto again = tr::read_graph(*written, catalog);
    if (!again) FAIL(seed << "\n" << *written << "\n" << again.error().what());
    if (!(**again == flow.graph())) FAIL(seed << "\n" << *written << "\n" << tr::difference(**again, flow.graph()));
    CHECK(*tr::write_flow(**again, catalog) == *written);
    nodes += flow.graph().nodes.size();
  }
  CHECK(nodes > 1000);
}
