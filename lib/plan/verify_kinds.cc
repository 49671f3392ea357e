// What each kind of node must have.
#include "plan/verify_parts.h"

namespace tailrace::detail {

namespace {

class KindCheck {
 public:
  KindCheck(const Graph& graph, const Node& node, const Findings& found)
      : node_(node),
        found_(found),
        in_(node.inputs.empty() ? nullptr : graph.at(node.inputs[0]).type),
        from_(node.inputs.empty() ? std::string() : quoted(graph.at(node.inputs[0]).name) + " gives") {}

  void race() {
    arms(in_, from_, node_.type);
    for (std::size_t k = 0; k < node_.arms.size(); ++k) no_exit(k, "an arm of a race has no exit test");
    if (node_.test) test(node_.test, node_.name, "its validity test", *node_.type, "its arms give");
  }

  void quorum() {
    arms(in_, from_, node_.type);
    no_test();
    for (std::size_t k = 0; k < node_.arms.size(); ++k) no_exit(k, "an arm of a quorum has no exit test");
    if (node_.agree < 1 || static_cast<std::size_t>(node_.agree) > node_.arms.size())
      found_.add(Code::bad_value, node_.name,
                 "asks for " + std::to_string(node_.agree) + " arms that agree, expected 1 to " +
                     std::to_string(node_.arms.size()));
    if (!node_.equality) found_.add(Code::invalid_flow, node_.name, "cannot compare what its arms give");
    else if (!equal(*node_.equality->takes, *node_.type))
      found_.add(Code::type_mismatch, node_.name,
                 mismatch("compares", *node_.equality->takes, "its arms give", *node_.type));
  }

  void hedge() {
    arms(in_, from_, node_.type);
    no_test();
    for (std::size_t k = 0; k < node_.arms.size(); ++k) no_exit(k, "a call of a hedge has no exit test");
    if (node_.arms.size() > 2)
      found_.add(Code::invalid_flow, node_.name,
                 "a hedge has one or two calls, got " + std::to_string(node_.arms.size()));
    if (node_.policy.name.empty()) found_.add(Code::invalid_flow, node_.name, "a hedge needs the name of a policy");
    if (node_.arms.size() == 1) twice(*node_.arms[0].graph, arm_path(node_.name, 0));
  }

  void cascade() {
    arms(in_, from_, node_.type);
    no_test();
    reserve();
    for (std::size_t k = 0; k < node_.arms.size(); ++k) {
      const Arm& rung = node_.arms[k];
      if (k + 1 == node_.arms.size()) no_exit(k, "the last rung of a cascade always answers, so it has no exit test");
      else if (!rung.exit) add_arm(Code::invalid_flow, k, "every rung of a cascade but the last needs an exit test");
      else test(rung.exit, arm_path(node_.name, k), "its exit test", rung.graph->output_type(), "the rung gives");
    }
  }

  void staged() {
    no_test();
    reserve();
    if (node_.reserve && !is_anytime(node_))
      found_.add(Code::invalid_flow, node_.name,
                 "reserves time for what follows it, but none of its stages gives an AnytimeExit, so that there is no "
                 "answer to be cut off with");
    if (node_.arms.empty()) arms(in_, from_, node_.type);
    const Type* takes = in_;
    std::string from = from_;
    for (std::size_t k = 0; k < node_.arms.size(); ++k) {
      no_exit(k, "a stage of a staged has no exit test: what it gives says whether it leaves");
      stage(k, takes, from);
      takes = node_.arms[k].exit_ops ? node_.arms[k].exit_ops->carry : nullptr;
      from = quoted(arm_path(node_.name, k)) + " goes on with";
    }
  }

  void choose() {
    arms(in_, from_, node_.type);
    for (std::size_t k = 0; k < node_.arms.size(); ++k) no_exit(k, "an arm of a choose has no exit test");
    if (!node_.test) found_.add(Code::invalid_flow, node_.name, "needs a selector, which says the arm");
    else if (in_) test(node_.test, node_.name, "its selector", *in_, from_);
  }

  void each() {
    no_test();
    if (!node_.each_in || !node_.each_out || node_.arms.size() != 1)
      return found_.add(Code::invalid_flow, node_.name, "an each needs one flow, for the elements of a vector");
    no_exit(0, "the flow of an each has no exit test");
    if (in_ && !equal(*in_, *node_.each_in->whole))
      found_.add(Code::type_mismatch, node_.name, mismatch("takes", *node_.each_in->whole, from_, *in_));
    if (!equal(*node_.each_out->whole, *node_.type))
      found_.add(Code::type_mismatch, node_.name,
                 mismatch("gives", *node_.each_out->whole, "the stream is of", *node_.type));
    arms(node_.each_in->element, "an element is", node_.each_out->element);
  }

  void simple() {
    no_test();
    if (!node_.arms.empty())
      found_.add(Code::invalid_flow, node_.name, "a " + std::string(name(node_.kind)) + " has no arms");
  }

 private:
  void reserve() const {
    if (node_.reserve && *node_.reserve < Duration{})
      found_.add(Code::bad_value, node_.name, "reserves a negative time for what follows it");
  }
  void add_arm(Code code, std::size_t k, std::string what) const {
    found_.add(code, arm_path(node_.name, k), std::move(what));
  }

  // One stage of a staged.
  void stage(std::size_t k, const Type* takes, const std::string& from) const {
    const Arm& a = node_.arms[k];
    const bool last = k + 1 == node_.arms.size();
    if (last == (a.exit_ops != nullptr))
      return add_arm(Code::invalid_flow, k,
                     last ? "the last stage of a staged always answers, so it gives no Exit"
                          : "every stage of a staged but the last must give an Exit");
    if (!has_ends(*a.graph)) return;  // reported where that arm is looked at
    const Type &in = a.graph->input_type(), &out = a.graph->output_type();
    if (takes && !equal(in, *takes)) add_arm(Code::type_mismatch, k, mismatch("takes", in, from, *takes));
    if (!equal(out, last ? *node_.type : *a.exit_ops->whole))
      add_arm(Code::type_mismatch, k,
              last ? mismatch("gives", out, quoted(node_.name) + " gives", *node_.type)
                   : mismatch("gives", out, "is taken apart as", *a.exit_ops->whole));
    if (!last && !equal(*a.exit_ops->answer, *node_.type))
      add_arm(Code::type_mismatch, k,
              mismatch("leaves with", *a.exit_ops->answer, quoted(node_.name) + " gives", *node_.type));
  }
  void arms(const Type* in, const std::string& from, const Type* out) const {
    if (node_.arms.empty())
      found_.add(Code::invalid_flow, node_.name, "a " + std::string(name(node_.kind)) + " needs at least one arm");
    for (std::size_t k = 0; k < node_.arms.size(); ++k) {
      const Graph& arm = *node_.arms[k].graph;
      if (!has_ends(arm)) continue;  // reported where that arm is looked at
      if (in && !equal(arm.input_type(), *in))
        add_arm(Code::type_mismatch, k, mismatch("takes", arm.input_type(), from, *in));
      if (!equal(arm.output_type(), *out))
        add_arm(Code::type_mismatch, k,
                mismatch("gives", arm.output_type(),
                         quoted(node_.name) + (node_.kind == Kind::each ? " gathers" : " gives"), *out) +
                    (node_.kind == Kind::each ? "" : ": all arms must give one type"));
    }
  }
  static bool has_ends(const Graph& g) {
    return !g.nodes.empty() && g.nodes.front().type && g.output >= 0 &&
           static_cast<std::size_t>(g.output) < g.nodes.size() && g.at(g.output).type;
  }
  void test(const Test& t, const std::string& where, const std::string& what, const Type& value,
            const std::string& from) const {
    if (t.takes && !equal(*t.takes, value))
      found_.add(Code::type_mismatch, where, mismatch(what + " takes", *t.takes, from, value));
  }
  void no_exit(std::size_t k, const char* what) const {
    if (node_.arms[k].exit) add_arm(Code::invalid_flow, k, what);
  }
  // Every stage of a hedge's only call may be asked twice.
  void twice(const Graph& graph, const std::string& path) const {
    for (const Node& node : graph.nodes) {
      const std::string where = path_of(path, node);
      const bool stage = node.kind == Kind::then || (node.kind == Kind::join && node.stage.function != "tuple");
      if (stage && !is_stand_in(node) && !node.stage.replicable)
        found_.add(Code::invalid_flow, where,
                   "may be asked twice for one request, because it stands in hedge " + quoted(node_.name) +
                       ", but nobody has said that it can be: write tr::stage(f, {.replicable = true}), or give the "
                       "hedge a second call of its own");
      for (std::size_t k = 0; k < node.arms.size(); ++k)
        if (node.arms[k].graph) twice(*node.arms[k].graph, arm_path(where, k));
    }
  }
  void no_test() const {
    if (node_.test)
      found_.add(Code::invalid_flow, node_.name, "a " + std::string(name(node_.kind)) + " has no test of its own");
  }

  const Node& node_;
  const Findings& found_;
  const Type* in_;
  std::string from_;
};

}  // namespace

void check_kinds(const Graph& graph, const Findings& found) {
  for (const auto& node : graph.nodes) {
    KindCheck check(graph, node, found);
    switch (node.kind) {
      case Kind::input:
      case Kind::then:
      case Kind::join: check.simple(); break;
      case Kind::race: check.race(); break;
      case Kind::quorum: check.quorum(); break;
      case Kind::hedge: check.hedge(); break;
      case Kind::cascade: check.cascade(); break;
      case Kind::staged: check.staged(); break;
      case Kind::choose: check.choose(); break;
      case Kind::each: check.each(); break;
    }
  }
}

}  // namespace tailrace::detail
