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

// Who reads each value, one after another: those of value v from first[v] on, up to first[v + 1].
struct Readers {
  std::vector<std::size_t> first;
  std::vector<int> nodes;

  explicit Readers(const Graph& g) : first(g.nodes.size() + 2) {
    for (const Node& n : g.nodes)
      for (int in : n.inputs) ++first[static_cast<std::size_t>(in) + 2];
    for (std::size_t v = 2; v < first.size(); ++v) first[v] += first[v - 1];
    nodes.resize(first.back());
    for (std::size_t n = 0; n < g.nodes.size(); ++n)
      for (int in : g.nodes[n].inputs) nodes[first[static_cast<std::size_t>(in) + 1]++] = static_cast<int>(n);
  }
};

}  // namespace

std::vector<Branch> find_branches(const Graph& g, const GraphChoices& choices) {
  const int count = static_cast<int>(g.nodes.size());
  const Readers readers(g);
  std::vector<Branch> home(g.nodes.size());
  for (int value = count - 1; value > 0; --value) {
    if (value == g.output) continue;
    const auto v = static_cast<std::size_t>(value);
    for (auto r = readers.first[v]; r < readers.first[v + 1]; ++r) {
      const Branch needed = needed_in(home, g, choices, readers.nodes[r], value);
      home[v] = r == readers.first[v] ? needed : common(home, home[v], needed);
    }
  }
  return home;
}

}  // namespace tailrace::detail
