#include "tailrace/stages/margin.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stages/elements.h"

namespace tailrace::stages {

namespace {

struct Top {
  double first = -std::numeric_limits<double>::infinity();
  double second = first;
};
template <class T>
Top top_two(std::span<const T> values) {
  Top top;
  for (const double x : values) {
    top.second = std::max(top.second, std::min(x, top.first));
    top.first = std::max(top.first, x);
  }
  return top;
}

// (e^first - e^second) / sum e^x, with the largest taken out of every power.
template <class T>
double probability_gap(std::span<const T> scores, const Top& top) {
  double sum = 0;
  for (const double x : scores) sum += std::exp(x - top.first);
  return -std::expm1(top.second - top.first) / sum;
}

}  // namespace

Result<double> margin(const Tensor& row, MarginOf of) {
  return with_elements(row, "margin", [&]<class T>(std::span<const T> in) -> Result<double> {
    if (in.size() < 2)
      return Error(Code::shape_mismatch, "margin", "needs two elements or more, got " + std::to_string(in.size()));
    if (!std::all_of(in.begin(), in.end(), [](T x) { return std::isfinite(x); }))
      return Error(Code::bad_value, "margin", "an element is infinite or not a number");
    const Top top = top_two(in);
    return of == MarginOf::values ? top.first - top.second : probability_gap(in, top);
  });
}

bool Margin::operator()(const Tensor& row) const noexcept {
  const Result<double> found = margin(row, of);
  return found && *found >= least;
}

Wrapped<Margin> margin_test(Margin how) {
  Parameters given{{"least", how.least}};
  if (how.of == MarginOf::values) given.add({"of", "values"});
  return named("margin", std::move(given), how);
}

}  // namespace tailrace::stages
