#include "tailrace/stages/suppress.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tailrace::stages {

namespace {

float area(const Box& b, float border) { return (b.right - b.left + border) * (b.bottom - b.top + border); }

float shared(const Box& a, const Box& b, float border) {
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left) + border;
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top) + border;
  return std::max(width, 0.F) * std::max(height, 0.F);
}

}  // namespace

Result<Boxes> Suppress::operator()(const Boxes& boxes) const {
  if (std::any_of(boxes.begin(), boxes.end(), [](const Box& b) { return std::isnan(b.score); }))
    return Error(Code::bad_value, "suppress", "a box's score is not a number");
  std::vector<std::size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return boxes[a].score > boxes[b].score; });
  std::vector<float> areas;
  for (const Box& box : boxes) areas.push_back(area(box, border));
  Boxes taken;
  while (!order.empty()) {
    const std::size_t best = order.front();
    taken.push_back(boxes[best]);
    const auto drop = [&](std::size_t other) {
      if (other == best) return true;
      const float inside = shared(boxes[best], boxes[other], border);
      const float whole =
          of == OverlapOf::both ? areas[best] + areas[other] - inside : std::min(areas[best], areas[other]);
      return static_cast<double>(inside / whole) > overlap;
    };
    order.erase(std::remove_if(order.begin(), order.end(), drop), order.end());
  }
  return taken;
}

Wrapped<Suppress> suppress(Suppress how) {
  Parameters given{{"overlap", how.overlap}};
  if (how.of == OverlapOf::smaller) given.add({"of", "smaller"});
  if (how.border != 0) given.add({"border", static_cast<double>(how.border)});
  auto stage = named("suppress", std::move(given), how);
  stage.options.replicable = true;
  return stage;
}

}  // namespace tailrace::stages
