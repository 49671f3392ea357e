#include "tailrace/opt/fork.h"

#include <fmt/format.h>

#include <algorithm>

#include "tailrace/plan/branches.h"

namespace tailrace {

namespace {

using detail::Branch;

constexpr double wakes_that_pay = 10;

// What the branches of one join take.
struct Branches {
  std::size_t count = 0;
  double one_by_one = 0, longest = 0;  // seconds
  std::string unknown;                 // a stage of unknown cost

  // All of it, on so many threads.
  double together(double threads) const { return std::max(longest, one_by_one / threads); }
};

class Forker {
 public:
  Forker(const Profile& profile, std::vector<Decision>& decisions) : profile_(profile), decisions_(decisions) {}

  void graph(const Graph& graph, GraphChoices& choices, const std::string& prefix, double threads) {
    std::vector<double> of_node(graph.nodes.size(), threads);  // threads that are left for a join inside
    for (auto i = graph.nodes.size(); i-- > 1;) {              // what is around comes first
      const Node& node = graph.nodes[i];
      if (node.kind == Kind::join) join(graph, choices, prefix, i, of_node);
      for (std::size_t k = 0; k < node.arms.size(); ++k)
        this->graph(*node.arms[k].graph, choices.arms[i][k], arm_path(path_of(prefix, node), k),
                    node.kind == Kind::race || node.kind == Kind::each ? 1 : of_node[i]);
    }
  }

 private:
  void join(const Graph& graph, GraphChoices& choices, const std::string& prefix, std::size_t join,
            std::vector<double>& threads) {
    choices.fork[join] = true;
    const auto home = detail::find_branches(graph, choices);
    const Branches b = branches(graph, choices, prefix, static_cast<int>(join), home);
    const double overlap = b.one_by_one - b.together(threads[join]);
    const double wake = profile_.wake.expected() * static_cast<double>(b.count > 0 ? b.count - 1 : 0);
    choices.fork[join] =
        b.count > 1 && b.unknown.empty() && profile_.wake.known() && overlap > 0 && overlap >= wakes_that_pay * wake;
    if (b.count > 1) record(path_of(prefix, graph.nodes[join]), b, overlap, choices.fork[join], threads[join]);
    if (!choices.fork[join]) return;
    for (std::size_t i = 0; i < join; ++i)
      if (inside(home, i, static_cast<int>(join)))
        threads[i] = std::max(1., threads[join] / static_cast<double>(b.count));
  }

  // Whether a node lies in a branch of the join, or in one of a join inside it.
  static bool inside(const std::vector<Branch>& home, std::size_t node, int join, int* input = nullptr) {
    for (Branch b = home[node]; b.join != 0; b = home[static_cast<std::size_t>(b.join)]) {
      if (b.join != join) continue;
      if (input) *input = b.input;
      return true;
    }
    return false;
  }

  Branches branches(const Graph& graph, const GraphChoices& choices, const std::string& prefix, int join,
                    const std::vector<Branch>& home) const {
    Branches b;
    std::vector<double> seconds(graph.at(join).inputs.size(), -1);
    for (std::size_t i = 1; i < static_cast<std::size_t>(join); ++i) {
      int input = 0;
      if (!inside(home, i, join, &input)) continue;
      const Node& node = graph.nodes[i];
      // The elements of an each run at the same time already.
      const double width = node.kind == Kind::each ? std::max(1u, profile_.measured.threads) : 1;
      if (choices.seconds[i] < 0 && b.unknown.empty()) b.unknown = path_of(prefix, node);
      double& branch = seconds[static_cast<std::size_t>(input)];
      branch = std::max(0., branch) + std::max(0., choices.seconds[i]) / width;
    }
    for (const double branch : seconds) {
      if (branch < 0) continue;
      ++b.count;
      b.one_by_one += branch;
      b.longest = std::max(b.longest, branch);
    }
    return b;
  }

  void record(const std::string& where, const Branches& b, double overlap, bool forked, double threads) {
    Decision d;
    d.pass = "fork";
    d.where = where;
    d.what = fmt::format("its {} branches run {}", b.count, forked ? "at the same time" : "one after another");
    d.unit = "s";
    d.source = "profile";
    const double wake = profile_.wake.expected();
    d.expected = forked ? b.together(threads) + wake : b.one_by_one;
    if (!b.unknown.empty()) d.expected = -1;
    d.why = why(b, overlap, threads);
    decisions_.push_back(std::move(d));
  }
  std::string why(const Branches& b, double overlap, double threads) const {
    if (!b.unknown.empty()) return "nothing is known of what " + b.unknown + " takes";
    if (!profile_.wake.known()) return "the profile does not say what waking a thread takes";
    if (threads < 2) return "there is no thread for a second one";
    const double wake = profile_.wake.expected() * static_cast<double>(b.count - 1);
    return fmt::format("{} of {} would overlap, and waking {} takes {}: it pays from {} times that on",
                       time_in_words(overlap), time_in_words(b.one_by_one),
                       b.count == 2 ? "a thread" : fmt::format("{} threads", b.count - 1), time_in_words(wake),
                       wakes_that_pay);
  }

  const Profile& profile_;
  std::vector<Decision>& decisions_;
};

}  // namespace

Problems fork(PlanData& plan, const OptimiseOptions& options) {
  if (plan.choices.root.seconds.empty()) return {};
  Forker(options.profile, plan.choices.decisions)
      .graph(*plan.graph, plan.choices.root, {}, std::max(1u, options.profile.measured.threads));
  return {};
}

}  // namespace tailrace
