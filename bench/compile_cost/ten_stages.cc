// Ten stages with a race, a cascade and a join, engine and request included: what a user's file costs to compile.
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <tailrace/tailrace.h>

namespace tr = tailrace;

namespace {

struct Image {
  int width;
};
struct Pixels {
  std::vector<float> values;
};
struct Boxes {
  std::vector<int> edges;
};
struct Label {
  std::string text;
  double confidence;
};

auto describe() {
  return tr::flow<Image>("describe", [](tr::Stream<Image> image) {
    auto pixels = image.then("decode", [](const Image& i) { return Pixels{std::vector<float>(std::size_t(i.width))}; })
                      .then("normalise", [](Pixels&& p) { return std::move(p); })
                      .then("crop", [](const Pixels& p) { return p; });
    auto boxes = tr::race(
        "detect", pixels, [](const Pixels& p) { return Boxes{{int(p.values.size())}}; },
        [](const Pixels& p) { return Boxes{{int(p.values.size())}}; });
    auto label = tr::cascade("label", boxes,
                             tr::exit_if(
                                 [](const Boxes&) {
                                   return Label{"cat", .5};
                                 },
                                 [](const Label& l) { return l.confidence > .9; }),
                             [](const Boxes& b) {
                               return Label{"dog", double(b.edges[0])};
                             });
    auto confidence = label.then("confidence", [](const Label& l) { return l.confidence; });
    auto length = label.then("length", [](const Label& l) { return l.text.size(); });
    return tr::join("both", confidence, length)
        .then("product",
              [](const std::tuple<double, std::size_t>& t) { return std::get<0>(t) * double(std::get<1>(t)); })
        .then("round", [](double x) { return int(x); });
  });
}

}  // namespace

int main() {
  auto engine = tr::start(describe(), {.threads = 1}).value();
  const auto answer = engine.run(Image{4});
  return answer && *answer == 12 ? 0 : 1;
}
