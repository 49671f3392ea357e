#include "tailrace/plan/branches.h"

#include <algorithm>

namespace tailrace::detail {
namespace {

// The innermost branch (or the main line) that both lie in. `home` is known for every node behind the one in question.
Branch common(const std::vector<Branch>& home, Branch a, Branch b) {
  const auto outer = [&](Branch x) { return home[static_cast<std::size_t>(x.join)]; };
  for (Branch x = a;; x = outer(x)) {
    for (Branch y = b;; y = outer(y)) {
      if (x == y) return x;
      if (y.join == 0) break;
    }
    if (x.join == 0) return x;
  }
}

// Where a value must be ready for one of its readers.
Branch needed_in(const std::vector<Branch>& home, const Graph& g, const GraphChoices& choices, int reader, int value) {
  const auto& inputs = g.at(reader).inputs;
  const bool forked = choices.fork[static_cast<std::size_t>(reader)];
  if (!forked || std::count(inputs.begin(), inputs.end(), value) != 1) return home[static_cast<std::size_t>(reader)];
  return {reader, static_cast<int>(std::find(inputs.begin(), inputs.end(), value) - inputs.begin())};
}

}  // namespace

std::vector<Branch> find_branches(const Graph& g, const GraphChoices& choices) {
  const int count = static_cast<int>(g.nodes.size());
  std::vector<Branch> home(g.nodes.size());
  for (int value = count - 1; value > 0; --value) {
    bool first = true;
    Branch in;
    for (int reader = value + 1; reader < count && value != g.output; ++reader) {
      const auto& inputs = g.at(reader).inputs;
      if (std::find(inputs.begin(), inputs.end(), value) == inputs.end()) continue;
      const Branch needed = needed_in(home, g, choices, reader, value);
      in = first ? needed : common(home, in, needed);
      first = false;
    }
    home[static_cast<std::size_t>(value)] = in;
  }
  return home;
}

}  // namespace tailrace::detail
