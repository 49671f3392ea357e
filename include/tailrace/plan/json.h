#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "tailrace/plan/catalog.h"
#include "tailrace/plan/graph.h"
#include "tailrace/plan/handles.h"

namespace tailrace {

// Flows as JSON: the same graph as in C++, with functions by their names in a Catalog.
//
//   { "flow": "classify", "input": "Image",
//     "stages": [
//       {"name": "normalise", "from": "input", "run": "normalise"},
//       {"name": "label", "from": "normalise", "cascade": [
//         {"model": "digit", "need": {"accuracy": 0.9}, "exit_if": {"margin": {"least": 0.8}}},
//         {"model": "digit", "need": {"accuracy": 0.98}}]},
//       {"name": "best", "from": "label", "run": "best"}]}
//
// A flow:    "flow": its name, "input": the type of its input (a Catalog knows the name), "stages": in an order in
// which
//            each stands behind those it reads; the last one's answer is the flow's. No stages: the answer is the
//            input.
// A stage:   "name": unique in its flow and not "input"; "from": the stage it reads, or "input"; where it is left out,
//            the stage before. Then one of
//   "run":     FUNCTION
//   "model":   a name, and if wanted "need": {"accuracy": 0..1}
//   "join":    FUNCTION of all that "from": [a, b, ...] lists, or "tuple"
//   "race":    [ARM, ...], and if wanted "valid": TEST, which an answer must pass to win
//   "quorum":  [ARM, ...] and "agree": how many of them must give equal answers
//   "hedge":   [ARM] or [ARM, ARM for the second call], and if wanted "policy": a name or {name: {parameter: number}}
//   "cascade": [RUNG, ..., ARM]; "fallback": false where a failing last one must fail the request, and
//              if wanted "reserve_ms": what a request's deadline leaves for the stages behind it
//   "staged": [ARM, ..., ARM], of which every one but the last gives an Exit
//   "choose":  [ARM, ...] and "select": TEST, whose number (from 0) says which
//   "each":    ARM, over every element of a vector; "keep": true for a Result of each instead of the first error
//   "flow":    {"name": ..., "stages": [...]}: a flow whose stages become part of this one as "stage.inner"
// ARM:       {"run": ...} or {"model": ..., "need": ...} or {"flow": {"name": ..., "stages": [...]}}; the name may be
//            left out, and {"stages": [...]} is short for a flow without one. It reads what the stage reads: its own
//            "input".
// RUNG:      an ARM with "exit_if": TEST; where the test holds, its answer is the cascade's.
// FUNCTION, TEST: a name, or {name: {parameter: number or text, ...}}.
//
// Text may come from anybody: it is bounded (4 MiB, 64 levels deep, 10,000 stages, names of 200 bytes), never crashes
// the reader, and all that is wrong with it is reported at once. Problem::where is "line:column", followed by the stage
// where there is one ("7:12: label[1].softmax"); columns count bytes from 1.

// The flow, without C++ types at its ends.
Built<std::shared_ptr<const Graph>> read_graph(std::string_view text, const Catalog& catalog);

namespace detail {
Built<std::shared_ptr<const Graph>> read_ends(std::string_view text, const Catalog& catalog, const Type& in,
                                              const Type& out);
Built<std::string> write_graph(const Graph& graph, const Catalog* catalog);
}  // namespace detail

// The flow, which must lead from In to Out. In may be left out of the text, since it is known here.
template <class In, class Out>
Built<Flow<In, Out>> read_flow(std::string_view text, const Catalog& catalog) {
  auto graph = detail::read_ends(text, catalog, type_of<In>, type_of<Out>);
  if (!graph) return graph.error();
  return Flow<In, Out>(*std::move(graph));
}

// The text of a flow, ending in a newline; read_flow gives an equal graph. A function without a name is a problem that
// says how to name it. With a catalog, types have the names it gives them, and a function that it does not know is a
// problem too.
inline Built<std::string> write_flow(const Graph& graph) { return detail::write_graph(graph, nullptr); }
inline Built<std::string> write_flow(const Graph& graph, const Catalog& catalog) {
  return detail::write_graph(graph, &catalog);
}
template <class In, class Out>
Built<std::string> write_flow(const Flow<In, Out>& flow) {
  return write_flow(flow.graph());
}
template <class In, class Out>
Built<std::string> write_flow(const Flow<In, Out>& flow, const Catalog& catalog) {
  return write_flow(flow.graph(), catalog);
}

}  // namespace tailrace
