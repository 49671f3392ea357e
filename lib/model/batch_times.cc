#include "tailrace/model/batch_times.h"

#include <algorithm>
#include <cmath>

namespace tailrace {
namespace {

double read(const std::vector<BatchTime>& times, std::uint32_t rows, double BatchTime::*member) noexcept {
  const auto above = std::lower_bound(times.begin(), times.end(), rows,
                                      [](const BatchTime& t, std::uint32_t wanted) { return t.rows < wanted; });
  if (above == times.end()) return times.back().*member * rows / times.back().rows;
  if (above->rows == rows || above == times.begin()) return (*above).*member;
  const BatchTime& below = *(above - 1);
  const double share = double(rows - below.rows) / double(above->rows - below.rows);
  return below.*member + share * ((*above).*member - below.*member);
}

bool is_time(double seconds) { return std::isfinite(seconds) && seconds > 0; }

}  // namespace

double BatchTimes::seconds(std::uint32_t rows) const noexcept { return read(times, rows, &BatchTime::p50); }
double BatchTimes::p99(std::uint32_t rows) const noexcept { return read(times, rows, &BatchTime::p99); }

BatchFit BatchTimes::fit() const noexcept {
  const auto n = static_cast<double>(times.size());
  double rows = 0, seconds = 0, squares = 0, products = 0;
  for (const BatchTime& t : times) {
    rows += t.rows, seconds += t.p50;
    squares += double(t.rows) * t.rows, products += t.rows * t.p50;
  }
  BatchFit fit;
  const double spread = n * squares - rows * rows;
  fit.per_row = spread > 0 ? (n * products - rows * seconds) / spread : 0;
  fit.base = (seconds - fit.per_row * rows) / n;
  for (const BatchTime& t : times)
    fit.worst = std::max(fit.worst, std::abs(fit.base + fit.per_row * t.rows - t.p50) / t.p50);
  return fit;
}

Problems BatchTimes::check() const {
  Problems problems;
  std::uint32_t before = 0;
  for (const BatchTime& t : times) {
    const std::string where = "rows " + std::to_string(t.rows);
    if (t.rows == 0) problems.add(Code::bad_value, where, "a call has at least one row");
    else if (t.rows <= before)
      problems.add(Code::bad_value, where,
                   "must stand behind smaller numbers of rows, each once; it follows " + std::to_string(before));
    if (!is_time(t.min) || !is_time(t.p50) || !is_time(t.p99))
      problems.add(Code::bad_value, where, "times must be positive numbers of seconds");
    else if (t.min > t.p50 || t.p50 > t.p99)
      problems.add(Code::bad_value, where, "min, p50 and p99 must not fall in this order");
    before = std::max(before, t.rows);
  }
  return problems;
}

}  // namespace tailrace
