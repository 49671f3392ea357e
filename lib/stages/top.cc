#include "tailrace/stages/top.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "stages/elements.h"

namespace tailrace::stages {

Result<Ranking> Top::operator()(const Tensor& scores) const {
  return with_elements(scores, "top", [&]<class T>(std::span<const T> in) -> Result<Ranking> {
    if (labels && labels->size() != in.size())
      return Error(Code::shape_mismatch, "top",
                   "got " + std::to_string(in.size()) + " scores for " + std::to_string(labels->size()) + " labels");
    if (std::any_of(in.begin(), in.end(), [](T x) { return std::isnan(x); }))
      return Error(Code::bad_value, "top", "an element is not a number");
    std::vector<std::size_t> order(in.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(k, in.size()));
    std::partial_sort(order.begin(), end, order.end(),
                      [&](std::size_t a, std::size_t b) { return in[a] != in[b] ? in[a] > in[b] : a < b; });
    order.erase(end, order.end());
    Ranking ranking;
    for (const auto i : order)
      ranking.push_back({static_cast<std::int64_t>(i), static_cast<double>(in[i]), labels ? (*labels)[i] : ""});
    return ranking;
  });
}

}  // namespace tailrace::stages
