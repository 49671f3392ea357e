#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/core/problems.h"
#include "tailrace/plan/stage.h"

namespace tailrace {

// The narrow waist: a Graph says *what* a pipeline computes, as plain data. The typed front end and JSON write it, the
// passes rewrite it, the engine only reads it.

enum class Kind : std::uint8_t { input, then, join, race, quorum, hedge, cascade, staged, choose, each };
std::string_view name(Kind kind) noexcept;

struct Graph;

// One way on: an arm of a race or quorum, a call of a hedge, a cascade's rung, a stage of a staged, a choose's arm, the
// flow of an each.
struct Arm {
  std::string name;
  std::shared_ptr<const Graph> graph;
  Test exit;                          // rungs: whether its answer is good enough to stop here
  const ExitOps* exit_ops = nullptr;  // stages of a staged but the last: how the Exit that they give is taken apart
};

struct Node {
  Kind kind = Kind::input;
  std::string name;
  const Type* type = nullptr;  // of its value
  std::vector<int> inputs;     // node numbers, all smaller than this node's
  Stage stage;                 // then, join
  std::vector<Arm> arms;       // race, quorum, hedge, cascade, staged, choose, each
  Test test;                   // race: validity; choose: selector
  const EachIn* each_in = nullptr;
  const EachOut* each_out = nullptr;
  int agree = 0;                       // quorum: how many arms must agree
  const Equality* equality = nullptr;  // quorum
  PolicyUse policy{};                  // hedge: when its second call starts, unless choices say otherwise
  bool fallback = true;                // cascade: an earlier answer serves when the last rung fails
  // cascade, staged: what is left for what follows when a request's deadline cuts it off; empty: what choices say
  std::optional<Duration> reserve{};
};

// nodes[0] is the input; every other node stands behind those it reads. A finished graph has no problems and no node
// that does not lead to the output.
struct Graph {
  std::string name;
  std::vector<Node> nodes;
  int output = 0;
  Problems problems;  // mistakes recorded while it was built

  const Node& at(int i) const { return nodes[static_cast<std::size_t>(i)]; }
  const Type& input_type() const { return *nodes.front().type; }
  const Type& output_type() const { return *at(output).type; }
};

// Whether a deadline may find an answer in the node before it has ended: a cascade, and a staged of which some stage
// gives an AnytimeExit.
bool is_anytime(const Node& node) noexcept;

// How many nodes read each node, the output counting as one reader more.
std::vector<int> count_readers(const Graph& graph);

// Numbers the nodes from the output backwards, so that the order of construction never shows, drops those that do not
// lead there, and records each that nobody reads as a problem, but for `excused` ones, which are known to be a mistake
// already. Nodes may come in any order; one that reads its own answer is recorded as a problem too.
Graph in_order(Graph graph, std::span<const int> excused = {});

// Where two graphs differ first, in words; empty when they are equal. Compares kinds, names, function names, parameters
// and types, never pointers.
std::string difference(const Graph& a, const Graph& b);
inline bool operator==(const Graph& a, const Graph& b) { return difference(a, b).empty(); }

// Where a node is, for people: its name, behind the path of the graph that it stands in. A top graph's path is empty,
// an arm's is arm_path, so that a stage of a cascade's second rung is "label[1].softmax". A rung that is one function
// has no name of its own: "label[1]". Problem::where inside Graph::problems is such a path from that graph on; empty
// means the graph itself.
std::string path_of(const std::string& prefix, const Node& node);
std::string path_of(const std::string& prefix, const std::string& name);
std::string arm_path(const std::string& node_path, std::size_t arm);

namespace detail {
// An arm that is one function or model: a graph of its input and a `then` without a name.
Arm arm_of(Stage stage);
// An arm that is a flow, by the flow's name.
Arm arm_of(const std::shared_ptr<const Graph>& flow);
}  // namespace detail

}  // namespace tailrace
