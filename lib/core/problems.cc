#include "tailrace/core/problems.h"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace tailrace {

void Problems::add(Code code, std::string where, std::string what) {
  list_.push_back({code, std::move(where), std::move(what)});
}

void Problems::add(Problems more) {
  list_.insert(list_.end(), std::make_move_iterator(more.list_.begin()), std::make_move_iterator(more.list_.end()));
}

Code Problems::code() const noexcept { return empty() ? Code::internal_error : list_.front().code; }

const std::string& Problems::where() const noexcept {
  static const std::string nowhere;
  return empty() ? nowhere : list_.front().where;
}

std::string Problems::what() const {
  std::string text;
  for (const Problem& problem : list_) {
    if (!text.empty()) text += '\n';
    if (!problem.where.empty()) text += problem.where + ": ";
    text += problem.what;
  }
  return text;
}

namespace {

// The restricted Damerau-Levenshtein distance (optimal string alignment): characters put in, left out, replaced, and
// neighbours in the wrong order, each counted as one. One row of the table at a time, with the two before it.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

std::size_t near(std::string_view a, std::string_view b) {
  return std::max<std::size_t>(1, std::max(a.size(), b.size()) / 3);
}

std::size_t gap(std::string_view a, std::string_view b) {
  return std::max(a.size(), b.size()) - std::min(a.size(), b.size());
}

}  // namespace

std::string nearest_hint(const std::string& name, const std::vector<std::string>& known) {
  const std::string* nearest = nullptr;
  std::size_t least = 0;
  for (const std::string& other : known) {
    // The gap bounds the distance from below, so that a long name from outside costs little.
    if (name.empty() || other.empty() || gap(name, other) > near(name, other)) continue;
    const std::size_t distance = edit_distance(name, other);
    if (distance > near(name, other) || (nearest && distance >= least)) continue;
    nearest = &other;
    least = distance;
  }
  return nearest ? " (did you mean '" + *nearest + "'?)" : "";
}

}  // namespace tailrace
