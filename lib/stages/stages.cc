#include "tailrace/stages/stages.h"

#include "tailrace/stages/arg_max.h"
#include "tailrace/stages/margin.h"
#include "tailrace/stages/scale.h"
#include "tailrace/stages/softmax.h"

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

}  // namespace

void add_stages(Catalog& catalog) {
  catalog.add_type<Tensor>("Tensor");
  catalog.add_factory("scale", {{"by"}, {"offset"}}, make_scale);
  catalog.add("softmax", stage(stages::softmax, {.replicable = true}));
  catalog.add("arg_max", stage(stages::arg_max, {.replicable = true}));
  catalog.add_test_factory("margin", {{"least", true}, {"of", false, true}}, make_margin);
}

}  // namespace tailrace
