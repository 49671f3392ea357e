// A flow as text. What its names mean stands in a Catalog; the rest is the same as in C++.
#include <tailrace/plan/catalog.h>
#include <tailrace/plan/json.h>
#include <tailrace/tailrace.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <numeric>

namespace tr = tailrace;

using Image = std::vector<double>;
struct Scores {
  double dark, bright;
};

struct Scale {
  double by;
  Image operator()(Image image) const {
    for (auto& pixel : image) pixel *= by;
    return image;
  }
};
double mean(const Image& image) { return std::accumulate(image.begin(), image.end(), 0.0) / double(image.size()); }
double peak(const Image& image) { return *std::ranges::max_element(image); }
double spread(const double& mean, const double& peak) { return (mean + peak) / 2; }
double soften(const double& x) { return std::sqrt(x); }
Scores threshold(const double& x) { return {1 - x, x}; }
std::string best(const Scores& scores) { return scores.bright > scores.dark ? "bright" : "dark"; }

// A test with a parameter. A factory may refuse a value that makes no sense.
struct Margin {
  double least;
  bool operator()(const Scores& scores) const { return std::abs(scores.bright - scores.dark) >= least; }
};
tr::Built<Margin> make_margin(const tr::Parameters& parameters) {
  const double least = parameters.number("least", 0);
  if (least >= 0 && least <= 1) return Margin{least};
  return tr::Problems(tr::Code::bad_value, "margin", "'least' must be in 0 to 1, got " + std::to_string(least));
}

tr::Catalog make_catalog() {
  tr::Catalog catalog;
  catalog.add_type<Image>("Image").add_type<Scores>("Scores");
  catalog.add("mean", mean).add("peak", peak).add("spread", spread).add("soften", soften);
  catalog.add("threshold", threshold).add("best", best);
  catalog.add_factory("scale", {{.name = "by"}}, [](const tr::Parameters& p) { return Scale{p.number("by", 1)}; });
  catalog.add_test_factory("margin", {{.name = "least", .required = true}}, make_margin);
  return catalog;
}

// The same flow in C++. Functions carry the names they have in the Catalog; a stage's own name is the default.
tr::Flow<Image, std::string> same_in_cpp() {
  auto careful = tr::flow<double>(
      "careful", [](tr::Stream<double> x) { return x.then("soften", soften).then("threshold", threshold); });
  return tr::flow<Image>("classify", [&](tr::Stream<Image> image) {
    auto scaled = image.then("scale", tr::named("scale", {{"by", 0.0625}}, Scale{0.0625}));
    auto x = tr::join_with("spread", spread, scaled.then("mean", mean), scaled.then("peak", peak));
    auto margin = tr::named("margin", {{"least", 0.25}}, Margin{0.25});
    return tr::cascade("label", x, tr::exit_if(tr::named("threshold", threshold), margin), careful).then("best", best);
  });
}

int main() {
  const tr::Catalog catalog = make_catalog();
  std::cout << "the catalog\n" << catalog.describe() << "\n";

  std::ifstream file(RECIPE_DIR "/04_json_flows.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto flow = tr::read_flow<Image, std::string>(text, catalog).value();
  std::cout << "equal to the flow in C++: " << (flow.graph() == same_in_cpp().graph() ? "yes" : "no") << "\n";

  auto engine = tr::start(flow, {.threads = 1}).value();
  for (const Image& image : {Image{1, 2, 3}, Image{8, 8, 9}, Image{16, 14, 12}}) {
    auto label = engine.run(image);
    std::cout << label.value() << ", rung " << label.rung << "\n";
  }

  std::cout << "\nwritten from C++\n" << tr::write_flow(same_in_cpp(), catalog).value();

  // What is wrong with a text is told all at once, with line and column.
  auto wrong = tr::read_flow<Image, std::string>(R"({ "flow": "wrong", "input": "Imagge",
  "stages": [
    {"name": "scale", "run": {"scale": {"times": 2}}},
    {"name": "mean",  "from": "skale", "run": "meen"},
    {"name": "label", "run": "best"}] })",
                                                 catalog);
  std::cout << "\nwhat is wrong with another one\n" << wrong.error().what() << "\n";
}
