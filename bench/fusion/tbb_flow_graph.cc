#include <oneapi/tbb/flow_graph.h>

#include <deque>
#include <memory>

#include "fusion/scenario.h"

namespace fusion {
namespace {

namespace flow = oneapi::tbb::flow;
using Node = flow::function_node<Value*, Value*, flow::lightweight>;  // runs where it is put

struct Chain {
  flow::graph graph;
  std::deque<Node> nodes;
  Value payload = 0;

  explicit Chain(Spin step) {
    for (int i = 0; i < length; ++i) {
      nodes.emplace_back(graph, flow::unlimited, [step](Value* v) noexcept {
        *v = step(*v);
        return v;
      });
      if (i) flow::make_edge(nodes[static_cast<std::size_t>(i) - 1], nodes.back());
    }
  }
  ~Chain() { graph.wait_for_all(); }
};

}  // namespace

Work flow_graph(Spin step) {
  auto chain = std::make_shared<Chain>(step);
  return [chain](long n) {
    chain->payload = seed;
    for (long i = 0; i < n; ++i) chain->nodes.front().try_put(&chain->payload);
    return chain->payload;
  };
}

}  // namespace fusion
