#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/measure.h"
#include "support/results.h"

// The same work by each system. Every function below prepares a system outside the time that is taken and gives what
// `n` requests cost: each request's input is the answer of the one before, the first one's is `seed`.
namespace overhead {

using Value = std::uint32_t;
using Work = std::function<Value(long n)>;
inline constexpr Value seed = 5;

// The user's function: so small that only what stands around it is measured.
struct Step {
  Value operator()(const Value& x) const { return x * 3 + 1; }
};

// ---- plain_loop.cc: what somebody writes who needs no library
Work function_chain(int length);  // a loop over std::function
Work direct_call();               // one call through a pointer
Work no_call();                   // nothing at all: the answer is the input

// ---- tbb_flow_graph.cc: oneTBB's flow graph, written as well as we can
#if TAILRACE_HAS_TBB
enum class Body { hard_coded, function };
Work flow_graph_chain(int length, Body body);
#endif

// ---- tailrace.cc
enum class Fuse { yes, no };
Work block_chain(int length);               // one fused block, without a request around it
Work request_chain(int length, Fuse fuse);  // the whole request; length 0: an empty pipeline
Work quick_stage_with_deadline();
// A hedge around one stage, on the calling thread alone: `off` never starts a second call, `fixed` arms a timer for one
// that never comes, `adaptive` also asks the policy that learns.
enum class Hedge { off, fixed, adaptive };
Work hedged_stage(Hedge how);

// ---- paths.cc: every way through the engine, for counting allocations
struct Path {
  std::string name, what;
  std::function<Work()> make;
  double users = 0;  // allocations per request that are the user's own
  std::string why;   // what they are
};
std::vector<Path> paths();
bench::Table frame_sizes();

// ---- scenarios.cc

// Work that can be counted by itself, by name: "m1.request.100".
struct Counted {
  std::string name;
  std::function<Work()> make;
};
std::vector<Counted> counted();

// m6: allocations per request of every path, the user's own taken off.
std::vector<bench::Figure> count_allocations(long requests);
// m1, m2, m4 and m9.
void measure(const bench::Options& options, bench::Results& results);
// Compares all answers, times nothing.
void check_all_answers();

}  // namespace overhead
