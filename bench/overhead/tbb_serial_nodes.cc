#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/task_arena.h>

#include <array>
#include <deque>
#include <memory>
#include <tuple>

#include "overhead/scenario.h"

namespace overhead {
namespace {

namespace flow = oneapi::tbb::flow;

// What travels is a pointer to one of these, which are used again.
struct Payload {
  Value value;
  long left;  // times through the chain
};

struct Body {
  Payload* operator()(Payload* p) const noexcept {
    p->value = Step{}(p->value);
    return p;
  }
};

// A chain of nodes of which each works on one message at a time. `Policy` flow::lightweight: who puts works at once
// where the node is free; flow::queueing: always in a task.
template <class Policy>
struct SerialChain {
  using Node = flow::function_node<Payload*, Payload*, Policy>;
  using Last = flow::multifunction_node<Payload*, std::tuple<Payload*>, flow::queueing>;

  flow::graph graph;
  std::deque<Node> nodes;
  // Sends what comes out of the chain in again, as often as it says; in a task, since a cycle in one call never ends.
  Last last{graph, flow::unlimited, [](Payload* p, auto& ports) noexcept {
              if (--p->left > 0) std::get<0>(ports).try_put(p);
            }};

  SerialChain(int length, bool again) {
    for (int i = 0; i < length; ++i) {
      nodes.emplace_back(graph, flow::serial, Body{});
      if (i) flow::make_edge(nodes[static_cast<std::size_t>(i) - 1], nodes.back());
    }
    if (!again) return;
    flow::make_edge(nodes.back(), last);
    flow::make_edge(flow::output_port<0>(last), nodes.front());
  }
  ~SerialChain() { graph.wait_for_all(); }
};

// Built where it runs, because a graph belongs to the arena that it is built in.
template <class Policy>
struct InArena {
  oneapi::tbb::task_arena arena;
  std::unique_ptr<SerialChain<Policy>> chain;

  InArena(int threads, int length, bool again) : arena(threads) {
    arena.execute([&] { chain = std::make_unique<SerialChain<Policy>>(length, again); });
  }
  ~InArena() {
    arena.execute([&] { chain.reset(); });
  }
};

template <class Policy>
Work on_one_thread(int length) {
  return [all = std::make_shared<InArena<Policy>>(1, length, false)](long n) {
    Payload payload{seed, 0};
    all->arena.execute([&] {
      for (long i = 0; i < n; ++i) {
        all->chain->nodes.front().try_put(&payload);
        all->chain->graph.wait_for_all();
      }
    });
    return payload.value;
  };
}
template <class Policy>
Work on_two_threads(int length) {
  return [all = std::make_shared<InArena<Policy>>(2, length, true)](long n) {
    std::array<Payload, in_flight> payloads{};
    all->arena.execute([&] {
      for (int k = 0; k < in_flight; ++k) {
        Payload& p = payloads[static_cast<std::size_t>(k)];
        p = {seed + static_cast<Value>(k), length_of_row(n, k)};
        if (p.left) all->chain->nodes.front().try_put(&p);
      }
      all->chain->graph.wait_for_all();
    });
    Value sum = 0;
    for (const Payload& p : payloads) sum += p.value;
    return sum;
  };
}

}  // namespace

Work serial_nodes(int length, Put put) {
  return put == Put::lightweight ? on_one_thread<flow::queueing_lightweight>(length)
                                 : on_one_thread<flow::queueing>(length);
}

Work serial_nodes_in_flight(int length, Put put) {
  return put == Put::lightweight ? on_two_threads<flow::queueing_lightweight>(length)
                                 : on_two_threads<flow::queueing>(length);
}

}  // namespace overhead
