#pragma once
#include <string>
#include <string_view>

#include "tailrace/core/problems.h"
#include "tailrace/plan/graph.h"

// The parts that verify is made of. Each adds what is wrong with one graph, without those of its arms.
namespace tailrace::detail {

// Where problems go: `prefix` is the path of the graph that is looked at, and `flow` stands for it where that is empty.
struct Findings {
  Problems& problems;
  const std::string& prefix;
  const std::string& flow;

  void add(Code code, const std::string& node, std::string what) const;
};

// Numbers that exist and stand in order. The other parts need a graph that is sound. Returns whether it is.
bool check_shape(const Graph& graph, const Findings& found);
// Names given, and given once. `is_arm`: the one stage of an arm needs none.
void check_names(const Graph& graph, bool is_arm, const Findings& found);
// Everything reads what is there, and is read.
void check_edges(const Graph& graph, const Findings& found);
// What each kind of node must have: arms, tests and their types.
void check_kinds(const Graph& graph, const Findings& found);

// The moves of a flow and of its arms.
void check_moves(const Graph& flow, Problems& problems);

// A node in place of a stream of another flow. That mistake is recorded; the node only carries the type.
bool is_stand_in(const Node& node);
// "takes int, but 'b' gives double"
std::string mismatch(std::string_view taker, const Type& takes, const std::string& giver, const Type& gives);
std::string quoted(std::string_view name);

}  // namespace tailrace::detail
