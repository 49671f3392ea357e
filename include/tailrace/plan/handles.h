#pragma once
#include <memory>
#include <utility>

#include "tailrace/plan/choices.h"
#include "tailrace/plan/graph.h"

namespace tailrace {

// A finished flow, typed at its two ends: itself a stage of larger flows. Cheap to copy.
template <class In, class Out>
class Flow {
 public:
  using input = In;
  using output = Out;
  // REQUIRES: the graph's ends have these types; `read_flow` and `flow` see to it.
  explicit Flow(std::shared_ptr<const Graph> graph) : graph_(std::move(graph)) {}
  const Graph& graph() const { return *graph_; }
  const std::shared_ptr<const Graph>& share() const { return graph_; }

 private:
  std::shared_ptr<const Graph> graph_;
};

// What to run and how: a graph and the choices made for it.
struct PlanData {
  std::shared_ptr<const Graph> graph;
  Choices choices;
};

template <class In, class Out>
class Plan {
 public:
  using input = In;
  using output = Out;
  explicit Plan(PlanData data) : data_(std::make_shared<const PlanData>(std::move(data))) {}
  explicit Plan(std::shared_ptr<const PlanData> data) : data_(std::move(data)) {}
  const PlanData& data() const { return *data_; }
  const std::shared_ptr<const PlanData>& share() const { return data_; }

 private:
  std::shared_ptr<const PlanData> data_;
};

}  // namespace tailrace
