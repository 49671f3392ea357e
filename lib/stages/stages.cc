#include "tailrace/stages/stages.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "stages/box_stages.h"
#include "tailrace/stages/arg_max.h"
#include "tailrace/stages/crop.h"
#include "tailrace/stages/margin.h"
#include "tailrace/stages/normalise.h"
#include "tailrace/stages/resize.h"
#include "tailrace/stages/scale.h"
#include "tailrace/stages/softmax.h"
#include "tailrace/stages/stack.h"

namespace tailrace {

namespace {

Built<stages::Margin> make_margin(const Parameters& parameters) {
  const std::string of = parameters.text("of", "scores");
  if (of == "scores") return stages::Margin{parameters.number("least", 0), stages::MarginOf::scores};
  if (of == "values") return stages::Margin{parameters.number("least", 0), stages::MarginOf::values};
  return Problems(Code::unknown_name, "margin",
                  "'of' of 'margin' is '" + of.substr(0, 60) + "', expected 'scores' or 'values'" +
                      nearest_hint(of, {"scores", "values"}));
}

Wrapped<stages::Scale> make_scale(const Parameters& parameters) {
  return stages::scale({.by = parameters.number("by", 1), .offset = parameters.number("offset", 0)});
}

// ---- pictures

// A whole number from 1 to 65536 into `value`, where it is given.
void read_count(const Parameters& parameters, const std::string& stage, const char* name, std::int64_t& value,
                Problems& problems) {
  if (!parameters.has(name)) return;
  const double given = parameters.number(name, 0);
  if (given >= 1 && given <= 65536 && given == std::floor(given)) value = static_cast<std::int64_t>(given);
  else
    problems.add(Code::bad_value, stage,
                 "'" + std::string(name) + "' of '" + stage + "' must be a whole number from 1 to 65536");
}

Built<Wrapped<stages::Resize>> make_resize(const Parameters& parameters) {
  stages::Resize how;
  Problems problems;
  read_count(parameters, "resize", "shorter", how.shorter, problems);
  read_count(parameters, "resize", "height", how.height, problems);
  read_count(parameters, "resize", "width", how.width, problems);
  const bool height = parameters.has("height"), width = parameters.has("width");
  if (height != width || height == parameters.has("shorter"))
    problems.add(Code::bad_value, "resize", "'resize' needs either 'shorter', or 'height' and 'width'");
  const std::string filter = parameters.text("filter", "bicubic");
  if (filter == "bilinear") how.filter = stages::Filter::bilinear;
  else if (filter != "bicubic")
    problems.add(Code::unknown_name, "resize",
                 "'filter' of 'resize' is '" + filter.substr(0, 60) + "', expected 'bilinear' or 'bicubic'" +
                     nearest_hint(filter, {"bilinear", "bicubic"}));
  if (!problems.empty()) return problems;
  return stages::resize(how);
}

Built<Wrapped<stages::Crop>> make_crop(const Parameters& parameters) {
  stages::Crop how;
  Problems problems;
  read_count(parameters, "crop", "height", how.height, problems);
  read_count(parameters, "crop", "width", how.width, problems);
  if (!problems.empty()) return problems;
  return stages::crop(how);
}

// "1, 2.5, 3"; false where it is something else.
bool read_three(const std::string& text, std::array<double, 3>& values) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto skip = [&](char c) {
    while (at != end && *at == c) ++at;
  };
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0 && (at == end || *at++ != ',')) return false;
    skip(' ');
    const auto [behind, error] = std::from_chars(at, end, values[i]);
    if (error != std::errc{} || !std::isfinite(values[i])) return false;
    at = behind;
    skip(' ');
  }
  return at == end;
}

// One number for all channels under `one`, or three in a text under `three`.
void read_channels(const Parameters& parameters, const std::string& one, const std::string& three,
                   std::array<double, 3>& values, Problems& problems) {
  if (parameters.has(one)) values.fill(parameters.number(one, 0));
  if (parameters.has(one) && parameters.has(three))
    problems.add(Code::bad_value, "normalise", "'normalise' takes '" + one + "' or '" + three + "', got both");
  else if (parameters.has(three) && !read_three(parameters.text(three, ""), values))
    problems.add(Code::bad_value, "normalise",
                 "'" + three + "' of 'normalise' must be three numbers between commas, as \"1, 2.5, 3\"");
}

Built<Wrapped<stages::Normalise>> make_normalise(const Parameters& parameters) {
  stages::Normalise how;
  Problems problems;
  read_channels(parameters, "mean", "means", how.mean, problems);
  read_channels(parameters, "deviation", "deviations", how.deviation, problems);
  if (std::find(how.deviation.begin(), how.deviation.end(), 0) != how.deviation.end())
    problems.add(Code::bad_value, "normalise", "a deviation of 'normalise' is 0");
  if (!problems.empty()) return problems;
  return stages::normalise(how);
}

// ---- rankings

Built<Wrapped<stages::Top>> make_top(const Parameters& parameters, const stages::LabelSource& source) {
  stages::Top how;
  std::int64_t k = 5;
  Problems problems;
  read_count(parameters, "top", "k", k, problems);
  how.k = static_cast<std::size_t>(k);
  if (const std::string name = parameters.text("labels", ""); !name.empty()) {
    auto found = source ? source(name)
                        : Problems(Code::unknown_name, "top", "there are no labels named '" + name.substr(0, 60) + "'");
    if (found) how.labels = *std::move(found);
    else problems.add(found.error());
  }
  if (!problems.empty()) return problems;
  return stage(std::move(how), {.replicable = true});
}

}  // namespace

void add_stages(Catalog& catalog, stages::LabelSource labels) {
  catalog.add_type<Tensor>("Tensor").add_type<stages::Ranking>("Ranking");
  catalog.add_factory("scale", {{"by"}, {"offset"}}, make_scale);
  catalog.add("softmax", stage(stages::softmax, {.replicable = true}));
  catalog.add("arg_max", stage(stages::arg_max, {.replicable = true}));
  catalog.add_factory("resize", {{"shorter"}, {"height"}, {"width"}, {"filter", false, true}}, make_resize);
  catalog.add_factory("crop", {{"height", true}, {"width", true}}, make_crop);
  catalog.add_factory("normalise", {{"mean"}, {"means", false, true}, {"deviation"}, {"deviations", false, true}},
                      make_normalise);
  catalog.add("stack", stage(stages::stack, {.replicable = true}));
  catalog.add_factory("top", {{"k"}, {"labels", false, true}},
                      [labels = std::move(labels)](const Parameters& p) { return make_top(p, labels); });
  stages::add_box_stages(catalog);
  catalog.add_test_factory("margin", {{"least", true}, {"of", false, true}}, make_margin);
}

}  // namespace tailrace
