#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/core/parameters.h"
#include "tailrace/core/tensor.h"
#include "tailrace/plan/stage.h"

namespace tailrace {

// The other half of a plan: *how* to run a graph. Plain data, written by passes, read by the engine and by explain.

// One decision, for people: which pass decided what, where, why, and what it expects of it.
struct Decision {
  std::string pass;
  std::string where;  // a stage's or combinator's name
  std::string what;
  std::string why;
  double expected = 0;  // in `unit`, from `source`; without a unit nothing is expected
  std::string unit;     // "s" is printed as whatever unit of time fits
  std::string source;   // "profile", "simulation", …; empty: nobody measured it, so that it is unknown
};

// How requests share the calls of one stage.
struct BatchChoice {
  BatchUse use{};      // max 0: nothing was chosen
  BatchTimes times{};  // of calls by their number of rows, for the policy; empty: unknown
};

// Choices for one graph, and for the graphs of its nodes' arms; parallel to Graph::nodes.
struct GraphChoices {
  std::vector<int> group;  // nodes of one number run as one block, where they follow each other
  std::vector<Device> device;
  std::vector<bool> fork;          // a join whose branches run at the same time
  std::vector<PolicyUse> hedge;    // of hedges: which policy starts their second calls. Empty: what the graph says
  std::vector<Duration> reserve;   // see Node::reserve; below 0: none. Empty: what the graph says
  std::vector<double> seconds;     // what a call is expected to take; below 0: unknown. Empty: there is no profile
  std::vector<BatchChoice> batch;  // of models that answer batches. Empty: what the graph says
  std::vector<std::vector<GraphChoices>> arms;
};

struct PassRecord {
  std::string name;
  bool skipped = false;
  double seconds = 0;
};

struct Choices {
  GraphChoices root;
  std::vector<Decision> decisions;
  std::vector<PassRecord> passes;
};

struct Graph;
struct Node;
// The policy of a hedge, node `i` of the graph that the choices are for.
const PolicyUse& policy_of(const Node& hedge, const GraphChoices& choices, std::size_t i);
// How long before a request's deadline node `i` is cut off; what the graph says goes before the choices.
std::optional<Duration> reserve_of(const Node& node, const GraphChoices& choices, std::size_t i);
// Where requests wait for node `i`; its limit is 0 where they do not.
StationSpec station_of(const Node& node, const GraphChoices& choices, std::size_t i);
// One block per stage, everything on the CPU, nothing forked: how a graph runs when nobody has decided anything.
GraphChoices default_choices(const Graph& graph);

}  // namespace tailrace
