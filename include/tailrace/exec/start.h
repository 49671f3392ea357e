#pragma once
#include <memory>
#include <memory_resource>

#include "tailrace/engine/engine.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/plan/handles.h"

namespace tailrace {

class PolicyCatalog;

// As many threads as this process may use.
inline constexpr unsigned default_threads = ~0u;

// How to run a plan.
struct EngineOptions {
  unsigned threads = default_threads;  // threads to start; 0: none, work advances where you call tick, run and get
  std::uint32_t max_in_flight = 256;   // requests admitted at a time; further ones are `overloaded`
  std::uint32_t max_losers = 256;      // answered requests that losing arms may still hold; past it races run in order
  // Callers of `run` that run stages on their own threads at a time, beside the engine's; further ones hand their
  // requests over and sleep. 0: all do. Unlimited by default, as counting them costs every request some nanoseconds.
  std::uint32_t max_running = unlimited;
  // At stages with a queue, how long a request may be overtaken by others of its priority with an earlier deadline, and
  // so much longer for each class above its own: from 0 (first come, first served) to an hour. See policy/order.h.
  Duration ageing = default_ageing;
  // Whether requests that would miss their deadlines are refused, or given up while they wait, as `would_miss`, so that
  // others meet theirs. See docs/semantics.md#overload.
  bool shed = true;
  // Where the memory is from that the engine keeps for requests: their frames (with every value that stages make, the
  // elements of each, tasks and timers), the queues and slots of stages with a queue, and what a `run` inside a stage
  // works with; null: the heap. It is taken when the engine starts or is given another plan; of stages with streams,
  // when a stream comes first. It is given back when the engine is gone, with every handle and QueueView; a queue that
  // engines share is from the first one's. It must be safe to use from any thread, and throw std::bad_alloc. Not from
  // here: what values and users' states hold, the vectors of each, callbacks of more than 64 bytes, plans, threads.
  std::pmr::memory_resource* memory = nullptr;
  std::shared_ptr<Executor> executor{};  // runs on this one, which several engines may share, and starts no thread
  std::shared_ptr<Observer> observer{};  // sees what happens
  std::shared_ptr<const PolicyCatalog>
      policies{};  // what hedges name theirs in (policy/catalog.h); null: the library's
  Runtime
      runtime{};  // what engines share beyond an executor: the queues and states of stages that are the same in both
};

// Processors that this process may use: the smaller of its affinity mask and its container's quota.
unsigned usable_processors() noexcept;

namespace detail {
// What an engine runs on where it is given no executor; `threads` as in EngineOptions.
Built<std::shared_ptr<Executor>> own_executor(unsigned threads);
Built<EngineCore> start_core(std::shared_ptr<const PlanData> plan, const EngineOptions& options);
}  // namespace detail

// Starts an engine; it is warm when this returns. Without an executor of yours it runs on oneTBB (or, in a build
// without it, on a plain pool) with threads of its own, and with `threads = 0` on the caller's alone (exec/tick.h).
template <class In, class Out>
Built<Engine<In, Out>> start(const Plan<In, Out>& plan, const EngineOptions& options = {}) {
  auto core = detail::start_core(plan.share(), options);
  if (!core) return std::move(core).error();
  return Engine<In, Out>(std::move(*core));
}
// A flow, optimised with what it brings itself.
template <class In, class Out>
Built<Engine<In, Out>> start(const Flow<In, Out>& flow, const EngineOptions& options = {}) {
  auto plan = optimise(flow);
  if (!plan) return std::move(plan).error();
  return start(*plan, options);
}

}  // namespace tailrace
