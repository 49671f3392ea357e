// Move-only values that would have to be read twice, refused where the user wrote the stage.
#include "plan/verify_parts.h"
#include "tailrace/plan/moves.h"

namespace tailrace::detail {

namespace {

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 4;
  if (names.size() > most)
    return quoted(names[0]) + ", " + quoted(names[1]) + " and " + std::to_string(names.size() - 2) + " more";
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + quoted(names[i]);
  return text;
}

// Looks at one graph; `parent` and `node`, `arm` in it say where the graph stands. Words are made only for refusals.
class MoveCheck {
 public:
  MoveCheck(const Graph& graph, std::string prefix, Problems& problems)
      : graph_(graph), prefix_(std::move(prefix)), problems_(problems), moves_(find_moves(graph, true)) {}
  MoveCheck(const MoveCheck& parent, const Node& node, std::size_t arm, bool input_movable)
      : graph_(*node.arms[arm].graph),
        prefix_(arm_path(path_of(parent.prefix_, node), arm)),
        problems_(parent.problems_),
        moves_(find_moves(graph_, input_movable)),
        parent_(&parent),
        node_(&node),
        arm_(arm),
        input_movable_(input_movable) {}

  void run() {
    if (!input_movable_ && graph_.output == 0 && !graph_.input_type().copy) refuse_identity();
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (is_stand_in(node)) continue;
      if (!moves_.may_take[i] && takes_apart(node)) refuse(node);
      for (std::size_t k = 0; k < node.arms.size(); ++k)
        MoveCheck(*this, node, k, moves_.arm_input_movable[i][k]).run();
    }
  }

 private:
  static bool takes_apart(const Node& node) {
    switch (node.kind) {
      case Kind::then:
      case Kind::join: return node.stage.take && !node.stage.leave;
      case Kind::each: return node.each_in && !node.each_in->element->copy;
      case Kind::input:
      case Kind::race:
      case Kind::quorum:
      case Kind::hedge:
      case Kind::cascade:
      case Kind::staged:
      case Kind::choose: return false;
    }
    return false;
  }

  // Who else holds a value, in words; empty when this reader may have it.
  std::string why_not(int value) const {
    std::vector<std::string> readers;
    for (const auto& node : graph_.nodes)
      for (int in : node.inputs)
        if (in == value) readers.push_back(path_of(prefix_, node));
    if (readers.size() == 2 && readers[0] == readers[1]) return quoted(readers[0]) + " reads it twice";
    if (readers.size() > 1) return listed(readers) + " read it";
    return value == 0 && !input_movable_ ? parent_->arm_why_not(*node_, arm_) : std::string();
  }

  std::string arm_why_not(const Node& node, std::size_t k) const {
    const std::string own = path_of(prefix_, node);
    if (node.kind == Kind::race || node.kind == Kind::quorum)
      return "all arms of " + std::string(name(node.kind)) + " " + quoted(own) + " read it" + arm_list(node, own);
    if (node.kind == Kind::hedge) return "both calls of hedge " + quoted(own) + " read it";
    if (node.kind == Kind::cascade && k + 1 < node.arms.size())
      return "later rungs of cascade " + quoted(own) + " read it too" + arm_list(node, own);
    for (int in : node.inputs)
      if (auto why = why_not(in); !why.empty()) return why;
    return "an earlier rung of cascade " + quoted(own) + " may still be reading it, or has it as its answer" +
           arm_list(node, own);
  }

  void refuse_identity() {
    problems_.add(
        Code::invalid_flow, prefix_,
        "gives its input " + display_name(graph_.input_type()) + " on, which cannot be copied, but " + why_not(0));
  }

  void refuse(const Node& node) {
    for (int in : node.inputs) {
      const auto why = why_not(in);
      if (why.empty()) continue;
      const auto type = display_name(*graph_.at(in).type);
      const bool each = node.kind == Kind::each;
      problems_.add(Code::invalid_flow, path_of(prefix_, node),
                    each ? "takes the elements out of " + type + ", which cannot be copied, but " + why +
                               "; let one stage alone read it"
                         : "takes its input " + type + " apart, which cannot be copied, but " + why +
                               "; let one stage alone read it, or take it as const " + type + "&");
      return;
    }
  }

  static std::string arm_list(const Node& node, const std::string& own) {
    std::vector<std::string> names;
    for (std::size_t k = 0; k < node.arms.size(); ++k) names.push_back(arm_path(own, k));
    return names.size() > 1 ? " (" + listed(names) + ")" : "";
  }

  const Graph& graph_;
  std::string prefix_;
  Problems& problems_;
  Moves moves_;
  const MoveCheck* parent_ = nullptr;
  const Node* node_ = nullptr;
  std::size_t arm_ = 0;
  bool input_movable_ = true;
};

}  // namespace

void check_moves(const Graph& flow, Problems& problems) { MoveCheck(flow, {}, problems).run(); }

}  // namespace tailrace::detail
