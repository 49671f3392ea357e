#include "tailrace/opt/place.h"

namespace tailrace {

namespace {

void place_all(GraphChoices& choices, Device device) {
  for (auto& d : choices.device) d = device;
  for (auto& arms : choices.arms)
    for (auto& arm : arms) place_all(arm, device);
}

}  // namespace

Problems place(PlanData& plan, const OptimiseOptions&) {
  const Device device{};
  place_all(plan.choices.root, device);
  Decision decision;
  decision.pass = "place";
  decision.where = plan.graph->name;
  decision.what = "every stage on " + name(device);
  decision.why = "no stage and no model asks for another device";
  plan.choices.decisions.push_back(std::move(decision));
  return {};
}

}  // namespace tailrace
