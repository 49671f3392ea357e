#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "tailrace/core/outcome.h"
#include "tailrace/plan/handles.h"

// What a flow means, without an engine: a serial walk over the Graph. It knows nothing of programs, blocks, regions,
// frames that are used again, threads or time, so that a mistake in those cannot be repeated here. The engine must give
// what this gives, or, where several outcomes are allowed, one of those that this gives over all picks.
namespace tailrace::test {

// Decides between `n` outcomes that are all allowed: which valid arm wins a race, which of several failures is seen
// first, whether the deadline comes now (0: not yet). The default takes 0.
using Pick = std::function<std::size_t(std::size_t n)>;

struct ReferenceOptions {
  Pick pick{};
  bool deadline = false;  // the request may be cut short wherever the reference asks
};

// One request, untyped.
class Reference {
 public:
  // REQUIRES: `graph` is sound (verify) and outlives this.
  explicit Reference(const Graph& graph, ReferenceOptions options = {});
  ~Reference();
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;

  void* input() noexcept;  // raw memory for the input, which run() takes over
  void run();
  void* answer() noexcept;  // null: error() says why
  const Error& error() const noexcept;
  Facts facts() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

template <class In, class Out>
Outcome<Out> reference_run(const Flow<In, Out>& flow, In in, ReferenceOptions options = {}) {
  Reference request(flow.graph(), std::move(options));
  detail::emplace_in_slot<In>(request.input(), std::move(in));
  request.run();
  if (void* slot = request.answer()) return {Result<Out>(std::move(detail::in_slot<Out>(slot))), request.facts()};
  return {Result<Out>(request.error()), request.facts()};
}

// Calls `once` with one sequence of picks after another until every one was tried; false: there are more than `limit`.
bool over_all_picks(std::size_t limit, const std::function<void(const Pick&)>& once);

// Every outcome that is allowed, some of them several times. Empty: there are more than `limit` ways.
template <class In, class Out>
std::vector<Outcome<Out>> reference_outcomes(const Flow<In, Out>& flow, const In& in, bool deadline = false,
                                             std::size_t limit = 4096) {
  std::vector<Outcome<Out>> all;
  const bool complete = over_all_picks(limit, [&](const Pick& pick) {
    all.push_back(reference_run(flow, In(in), {pick, deadline}));
  });
  if (!complete) all.clear();
  return all;
}

}  // namespace tailrace::test
