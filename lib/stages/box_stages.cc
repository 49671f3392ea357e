#include "stages/box_stages.h"

#include <cmath>

#include "tailrace/stages/cut_out.h"
#include "tailrace/stages/judge.h"
#include "tailrace/stages/pyramid.h"
#include "tailrace/stages/suppress.h"
#include "tailrace/stages/windows.h"

namespace tailrace::stages {

namespace {

// Reads one stage's parameters, and gathers what is wrong with them.
class Reader {
 public:
  Reader(const Parameters& parameters, std::string stage) : parameters_(parameters), stage_(std::move(stage)) {}

  // A number of which `fits` holds, into `value`, where it is given.
  template <class T, class Fits>
  Reader& number(const char* name, T& value, const char* expected, Fits fits) {
    if (!parameters_.has(name)) return *this;
    const double given = parameters_.number(name, 0);
    if (fits(given)) value = static_cast<T>(given);
    else problems_.add(Code::bad_value, stage_, "'" + std::string(name) + "' of '" + stage_ + "' must be " + expected);
    return *this;
  }
  Reader& count(const char* name, std::int64_t& value) {
    return number(name, value, "a whole number from 1 to 4096",
                  [](double x) { return x >= 1 && x <= 4096 && x == std::floor(x); });
  }
  Reader& share(const char* name, double& value) {
    return number(name, value, "a number from 0 to 1", [](double x) { return x >= 0 && x <= 1; });
  }
  Reader& border(float& value) {
    return number("border", value, "a number from 0 to 1000", [](double x) { return x >= 0 && x <= 1000; });
  }
  Reader& norm(double& mean, double& deviation) {
    mean = parameters_.number("mean", mean);
    return number("deviation", deviation, "other than 0", [](double x) { return x != 0; });
  }
  template <class Made>
  Built<Made> finish(Made made) const {
    if (!problems_.empty()) return problems_;
    return made;
  }

 private:
  const Parameters& parameters_;
  std::string stage_;
  Problems problems_;
};

Built<Wrapped<Pyramid>> make_pyramid(const Parameters& parameters) {
  Pyramid how;
  Reader reader(parameters, "pyramid");
  reader.number("smallest", how.smallest, "from 1 to 65536", [](double x) { return x >= 1 && x <= 65536; })
      .number("factor", how.factor, "from 0.01 to 0.99", [](double x) { return x >= 0.01 && x <= 0.99; })
      .count("window", how.window);
  return reader.finish(pyramid(how));
}

Built<Wrapped<LevelPixels>> make_level_pixels(const Parameters& parameters) {
  LevelPixels how;
  Reader reader(parameters, "level_pixels");
  reader.norm(how.mean, how.deviation);
  return reader.finish(level_pixels(how));
}

Built<Wrapped<Windows>> make_windows(const Parameters& parameters) {
  Windows how;
  Reader reader(parameters, "windows");
  reader.share("least", how.least).count("window", how.window).count("stride", how.stride);
  return reader.finish(windows(how));
}

Built<Wrapped<Suppress>> make_suppress(const Parameters& parameters) {
  Suppress how;
  Reader reader(parameters, "suppress");
  reader.share("overlap", how.overlap).border(how.border);
  const std::string of = parameters.text("of", "both");
  if (of == "smaller") how.of = OverlapOf::smaller;
  else if (of != "both")
    return Problems(Code::unknown_name, "suppress",
                    "'of' of 'suppress' is '" + of.substr(0, 60) + "', expected 'both' or 'smaller'" +
                        nearest_hint(of, {"both", "smaller"}));
  return reader.finish(suppress(how));
}

Built<Wrapped<ShiftBoxes>> make_shift_boxes(const Parameters& parameters) {
  ShiftBoxes how;
  Reader reader(parameters, "shift_boxes");
  reader.border(how.border);
  return reader.finish(shift_boxes(how));
}

Built<Wrapped<CutOut>> make_cut_out(const Parameters& parameters) {
  CutOut how;
  Reader reader(parameters, "cut_out");
  reader.count("size", how.size).norm(how.mean, how.deviation).count("batch", how.batch);
  return reader.finish(cut_out(how));
}

Built<Wrapped<JudgeBoxes>> make_judge_boxes(const Parameters& parameters) {
  JudgeBoxes how;
  Reader reader(parameters, "judge_boxes");
  reader.share("least", how.least);
  return reader.finish(judge_boxes(how));
}

Built<Wrapped<DrawBoxes>> make_draw_boxes(const Parameters& parameters) {
  DrawBoxes how;
  std::int64_t width = how.width;
  Reader reader(parameters, "draw_boxes");
  reader.count("width", width);
  how.width = static_cast<int>(width);
  return reader.finish(draw_boxes(how));
}

}  // namespace

void add_box_stages(Catalog& catalog) {
  catalog.add_type<Boxes>("Boxes").add_type<Level>("Level");
  catalog.add_factory("pyramid", {{"smallest"}, {"factor"}, {"window"}}, make_pyramid);
  catalog.add_factory("level_pixels", {{"mean"}, {"deviation"}}, make_level_pixels);
  catalog.add_factory("windows", {{"least", true}, {"window"}, {"stride"}}, make_windows);
  catalog.add_factory("suppress", {{"overlap", true}, {"of", false, true}, {"border"}}, make_suppress);
  catalog.add("merge_boxes", stage(merge_boxes, {.replicable = true}));
  catalog.add_factory("shift_boxes", {{"border"}}, make_shift_boxes);
  catalog.add("square_boxes", stage(square_boxes, {.replicable = true}));
  catalog.add_factory("cut_out", {{"size", true}, {"mean"}, {"deviation"}, {"batch"}}, make_cut_out);
  catalog.add_factory("judge_boxes", {{"least", true}}, make_judge_boxes);
  catalog.add_factory("draw_boxes", {{"width"}}, make_draw_boxes);
}

}  // namespace tailrace::stages
