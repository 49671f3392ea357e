#pragma once
#include <string>
#include <tuple>
#include <vector>

#include "tailrace/plan/catalog.h"

// A small world of types and functions for the tests of flows as JSON, and the catalog that names them.
namespace json_world {

namespace tr = tailrace;

struct Image {
  int pixels = 0;
};
struct Label {
  int digit = 0;
  bool operator==(const Label&) const = default;
};

inline Image normalise(const Image& image) { return image; }
inline Label best(const Image& image) { return {image.pixels}; }
inline Label worst(const Image&) { return {}; }
inline int brightness(const Image& image) { return image.pixels; }
inline std::vector<Image> crop(const Image& image) { return {image, image}; }
inline Label most(const std::vector<Label>& labels) { return labels.empty() ? Label{} : labels.front(); }
inline Label first_good(const std::vector<tr::Result<Label>>&) { return {}; }
inline Label both(const Label& label, int) { return label; }
inline Label of_tuple(const std::tuple<Label, int>&) { return {}; }
inline bool confident(const Label& label) { return label.digit > 0; }
inline int which(const Image&) { return 0; }
using Glance = tr::Exit<Label, Image>;
inline Glance glance(const Image& image) { return Glance::go_on(image); }
using Guess = tr::AnytimeExit<Label, Image>;
inline Guess guess(const Image& image) { return Guess::go_on(image, {1}); }
using Count = tr::Exit<Label, int>;
inline Count count(const Image& image) { return Count::go_on(image.pixels); }
inline Label of_count(const int& pixels) { return {pixels}; }

struct Scale {
  double by = 1;
  Image operator()(const Image& image) const { return image; }
};
struct Margin {
  double least = 0;
  bool operator()(const Label&) const { return least > 0; }
};

inline tr::Built<Margin> make_margin(const tr::Parameters& p) {
  if (p.number("least", 0) >= 0) return Margin{p.number("least", 0)};
  return tr::Problems(tr::Code::bad_value, "margin",
                      "'least' must not be negative, got " + std::to_string(p.number("least", 0)));
}

inline tr::Conversion<Image, Label> digit_conversion() {
  return {[](const Image&) { return tr::Result<tr::Tensor>(tr::Tensor()); },
          [](const tr::Tensor&) { return tr::Result<Label>(Label()); }};
}

inline tr::Catalog make_catalog() {
  tr::Catalog c;
  c.add_type<Image>("Image").add_type<Label>("Label");
  c.add("normalise", normalise).add("best", best).add("worst", worst).add("brightness", brightness).add("crop", crop);
  c.add("most", most).add("first_good", first_good).add("both", both).add("of_tuple", of_tuple);
  c.add("glance", glance).add("guess", guess).add("count", count).add("of_count", of_count);
  c.add_test("confident", confident).add_test("which", which).add_tuple<Label, int>();
  c.add_factory("scale", {{"by"}, {"unit", false, true}},
                [](const tr::Parameters& p) { return Scale{p.number("by", 1)}; });
  c.add_test_factory("margin", {{"least", true}}, make_margin);
  c.default_model<Image, Label>(digit_conversion());
  return c;
}

}  // namespace json_world
