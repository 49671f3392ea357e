#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/task_arena.h>

#include <deque>
#include <optional>

#include "operators/scenario.h"

namespace operators {
namespace {

namespace flow = oneapi::tbb::flow;

// What travels, one for each request.
struct Payload {
  std::uint32_t number = 0, answer = 0;
  Values values;
};
using Light = flow::function_node<Payload*, Payload*, flow::lightweight>;  // runs where it is put

// One graph for a client's own thread, and one in an arena of workers.
class FlowGraph final : public System {
 public:
  FlowGraph(const std::array<Operator, count>& chain, unsigned threads, Done done)
      : done_(std::move(done)), arena_(static_cast<int>(std::max(1u, threads)), 0) {
    lay(own_graph_, own_, chain, nullptr);
    arena_.execute([&] {
      graph_.emplace();
      lay(*graph_, shared_, chain, &done_);
    });
  }
  ~FlowGraph() override {
    arena_.execute([&] { graph_->wait_for_all(); });
    own_graph_.wait_for_all();
  }
  std::uint32_t answer(std::uint32_t seed) override {
    payload_.number = seed;
    own_.front().try_put(&payload_);
    return payload_.answer;
  }
  void send(std::uint32_t number) override {
    Payload* p = &payloads_.emplace_back();
    p->number = number;
    graph_->reserve_wait();  // who waits for the graph waits for the way out of its last node, too
    arena_.enqueue([this, p] {
      shared_.front().try_put(p);
      graph_->release_wait();
    });
  }

 private:
  static void lay(flow::graph& graph, std::deque<Light>& nodes, const std::array<Operator, count>& chain,
                  const Done* done) {
    nodes.emplace_back(graph, flow::unlimited, [](Payload* p) noexcept {
      p->values = input_of(p->number);
      return p;
    });
    for (const Operator& op : chain)
      nodes.emplace_back(graph, flow::unlimited, [op](Payload* p) noexcept {
        op(p->values);
        return p;
      });
    nodes.emplace_back(graph, flow::unlimited, [done](Payload* p) noexcept {
      p->answer = answer_of(p->values);
      if (done) (*done)(p->number);
      return p;
    });
    for (std::size_t i = 1; i < nodes.size(); ++i) flow::make_edge(nodes[i - 1], nodes[i]);
  }

  const Done done_;
  oneapi::tbb::task_arena arena_;
  flow::graph own_graph_;
  std::optional<flow::graph> graph_;
  std::deque<Light> own_, shared_;
  std::deque<Payload> payloads_;
  Payload payload_;
};

}  // namespace

std::unique_ptr<System> flow_graph(const std::array<Operator, count>& chain, unsigned threads, Done done) {
  return std::make_unique<FlowGraph>(chain, threads, std::move(done));
}

}  // namespace operators
