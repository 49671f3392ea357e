#include <oneapi/tbb/flow_graph.h>

#include <deque>
#include <memory>

#include "overhead/scenario.h"

namespace overhead {
namespace {

namespace flow = oneapi::tbb::flow;

// What travels is a pointer to memory that is used again, never a value: the cheapest payload there is.
struct Payload {
  Value value;
};
// Lightweight nodes with bodies that cannot throw run where they are put, without a task in between.
using Node = flow::function_node<Payload*, Payload*, flow::lightweight>;

struct HardCoded {
  Payload* operator()(Payload* p) const noexcept {
    p->value = Step{}(p->value);
    return p;
  }
};
// As a pipeline of functions that are only known when it runs must be written.
struct Composed {
  const std::function<Value(Value)>* f;
  Payload* operator()(Payload* p) const noexcept {
    p->value = (*f)(p->value);
    return p;
  }
};

// Built once. Must run in the arena that it was built in.
struct Chain {
  flow::graph graph;
  std::deque<std::function<Value(Value)>> functions;
  std::deque<Node> nodes;
  Payload payload{};

  Chain(int length, Body body) {
    for (int i = 0; i < length; ++i) {
      if (body == Body::hard_coded) nodes.emplace_back(graph, flow::unlimited, HardCoded{});
      else nodes.emplace_back(graph, flow::unlimited, Composed{&functions.emplace_back(Step{})});
      if (i) flow::make_edge(nodes[static_cast<std::size_t>(i) - 1], nodes.back());
    }
  }
  ~Chain() { graph.wait_for_all(); }
};

}  // namespace

Work flow_graph_chain(int length, Body body) {
  auto chain = std::make_shared<Chain>(length, body);
  return [chain](long n) {
    chain->payload.value = seed;
    for (long i = 0; i < n; ++i) chain->nodes.front().try_put(&chain->payload);
    return chain->payload.value;
  };
}

}  // namespace overhead
