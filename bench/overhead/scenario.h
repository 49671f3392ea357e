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

// One that takes about a microsecond: no compiler knows a shorter way.
struct Microsecond {
  Value operator()(const Value& x) const {
    Value y = x;
    for (int i = 0; i < 1800; ++i) y = y * 3 + 1;
    return y;
  }
};

// ---- plain_loop.cc: what somebody writes who needs no library
Work function_chain(int length);  // a loop over std::function
Work direct_call();               // one call through a pointer
Work direct_microsecond();        // the same of a Microsecond
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
Work metered_chain(int length);             // the same, one fused block, with trace::Metrics
Work quick_stage_with_deadline();
Work learned_stage_with_deadline();  // a Microsecond in an engine that has seen it before
// Nanoseconds of each of the first `calls` requests with a deadline for a Microsecond, in a fresh engine; their answers
// are compared with the stage's.
std::vector<double> first_calls_with_deadline(int calls);

// ---- stations.cc and tbb_serial_nodes.cc: chains of stages that work on one request at a time

enum class Queue { none, serial, limit };     // any number of calls at a time, one, two
Work station_chain(int length, Queue queue);  // one thread, one request at a time
inline constexpr int in_flight = 8;
// Two threads. The n requests belong to so many rows in flight: in a row each begins with the answer of the one before,
// the k-th row with seed + k. The answer is the sum of the rows'.
Work stations_in_flight(int length, Queue queue);
inline long length_of_row(long n, int k) { return n / in_flight + (k < n % in_flight ? 1 : 0); }
#if TAILRACE_HAS_TBB
enum class Put { in_a_task, lightweight };
Work serial_nodes(int length, Put put);
Work serial_nodes_in_flight(int length, Put put);
#endif
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
// m1, m2, m4, m9 and Metrics.
void measure(const bench::Options& options, bench::Results& results);
// Compares all answers, times nothing.
void check_all_answers();

}  // namespace overhead
