#include "tailrace/opt/fuse.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tailrace/plan/branches.h"

namespace tailrace {

namespace detail {

namespace {
bool simple(const Node& node) {
  return (node.kind == Kind::then || node.kind == Kind::join) && joins_blocks(node.stage);
}
}  // namespace

bool boundary(const Node& before, const Node& behind) { return !simple(before) || !simple(behind); }

}  // namespace detail

namespace {

// How often, in a second that a thread works, something more urgent waits for it: a deadline, a cancellation, a request
// of a higher class. Two blocks of a and b seconds let it have the thread a * b * this many seconds sooner, a request,
// than one of a + b: what waits comes at any moment, and waits for what is left of the block.
constexpr double urgent_per_second = 100;

// Seconds; below 0 where one part is unknown.
double together(double a, double b) { return a < 0 || b < 0 ? -1 : a + b; }

class Fuser {
 public:
  Fuser(const OptimiseOptions& options, std::vector<Decision>& decisions)
      : hand_over_(options.profile.hand_over.known() ? options.profile.hand_over.expected() : -1),
        max_block_(options.max_block > Duration{} ? to_seconds(options.max_block) : -1),
        profile_(!options.profile.empty()),
        decisions_(decisions) {}

  void graph(const Graph& graph, GraphChoices& choices, const std::string& prefix) {
    const auto count = graph.nodes.size();
    const auto home = detail::find_branches(graph, choices);
    std::size_t first = 0;
    double block = seconds(choices, 0);
    for (std::size_t i = 1; i < count; ++i) {
      const bool possible = !detail::boundary(graph.nodes[i - 1], graph.nodes[i]) && home[i] == home[i - 1] &&
                            choices.device[i] == choices.device[i - 1] && !choices.fork[i] &&
                            !waits(graph, choices, i - 1) && !waits(graph, choices, i);
      const auto against = possible ? reason_against(block, seconds(choices, i)) : std::optional<std::string>("");
      choices.group[i] = choices.group[i - 1] + (against ? 1 : 0);
      if (!against) {
        block = together(block, seconds(choices, i));
        continue;
      }
      record(graph, first, i, block, prefix);
      if (!against->empty()) record_end(graph, i, *against, prefix);
      first = i;
      block = seconds(choices, i);
    }
    record(graph, first, count, block, prefix);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t k = 0; k < graph.nodes[i].arms.size(); ++k)
        this->graph(*graph.nodes[i].arms[k].graph, choices.arms[i][k], arm_path(path_of(prefix, graph.nodes[i]), k));
  }

 private:
  // By choice; what the graph says is a boundary anyway.
  static bool waits(const Graph& graph, const GraphChoices& choices, std::size_t i) {
    return !choices.batch.empty() && station_of(graph.nodes[i], choices, i).limit != 0;
  }
  static double seconds(const GraphChoices& choices, std::size_t i) {
    return choices.seconds.empty() ? -1 : choices.seconds[i];
  }

  // Why a block of `before` seconds ends where one of `behind` could follow; nothing where they had better be one.
  std::optional<std::string> reason_against(double before, double behind) const {
    const double both = together(before, behind);
    if (max_block_ >= 0 && both < 0)
      return "no block may take more than " + time_in_words(max_block_) + ", and these are of unknown cost";
    if (max_block_ >= 0 && both > max_block_)
      return fmt::format("no block may take more than {}, and together they take {}", time_in_words(max_block_),
                         time_in_words(both));
    if (both < 0 || hand_over_ < 0) return std::nullopt;
    const double lost = urgent_per_second * before * behind;
    if (hand_over_ >= lost) return std::nullopt;
    return fmt::format("a hand-over takes {}; without it, what is urgent would wait {} longer",
                       time_in_words(hand_over_), time_in_words(lost));
  }

  // A block of several stages, or one that is longer than allowed.
  void record(const Graph& graph, std::size_t first, std::size_t end, double block, const std::string& prefix) {
    const bool too_long =
        max_block_ >= 0 && block > max_block_ && !detail::boundary(graph.nodes[first], graph.nodes[first]);
    if (end - first < 2 && !too_long) return;
    Decision d;
    d.pass = "fuse";
    d.where = path_of(prefix, graph.nodes[first]);
    for (std::size_t i = first; i < end; ++i) d.what += (i == first ? "" : " + ") + graph.nodes[i].name;
    if (too_long) {
      d.what += fmt::format(" takes longer than a block may ({})", time_in_words(max_block_));
      d.why = "one stage cannot be divided";
    } else {
      d.what += " run as one block";
      d.why = block >= 0 && hand_over_ >= 0
                  ? fmt::format("a hand-over between them takes {}, more than it is worth", time_in_words(hand_over_))
                  : "a hand-over between them would cost, and fusing a straight line never does";
    }
    d.unit = "s";
    d.expected = block;
    if (profile_) d.source = "profile";
    decisions_.push_back(std::move(d));
  }
  void record_end(const Graph& graph, std::size_t i, const std::string& why, const std::string& prefix) {
    Decision d;
    d.pass = "fuse";
    d.where = path_of(prefix, graph.nodes[i]);
    d.what = graph.nodes[i].name + " begins a block of its own";
    d.why = why;
    decisions_.push_back(std::move(d));
  }

  const double hand_over_, max_block_;  // seconds; below 0: unknown, and no limit
  const bool profile_;
  std::vector<Decision>& decisions_;
};

}  // namespace

Problems fuse(PlanData& plan, const OptimiseOptions& options) {
  if (options.max_block < Duration{})
    return {Code::bad_value, "max_block", "must not be below zero; zero means no limit"};
  Fuser(options, plan.choices.decisions).graph(*plan.graph, plan.choices.root, {});
  return {};
}

}  // namespace tailrace
