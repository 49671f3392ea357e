#pragma once
#include <cstdint>
#include <vector>

#include "tailrace/load/arrivals.h"
#include "tailrace/plan/handles.h"
#include "tailrace/sim/report.h"

// A plan of simulated services run live, where they sleep, under the arrivals and with the draws of a simulation.
namespace bench {

struct LiveRun {
  tailrace::sim::Latencies latency;  // from the intended arrival
  double seconds = 0;                // from the first arrival to the last one
  double busy = 0;                   // calls of all services at the same time, mean, up to the last answer
  double work = 0;                   // seconds of all calls, per request
  double duplicates = 0;             // copies of hedges, per request
  tailrace::Duration late{};         // of the sender, median
};

// Sends the requests that simulate() counts with this seed, numbered and timed as there; services that hold workers are
// not counted. Throws WrongAnswer where a request fails or gives something else than its input, which is its number.
LiveRun run_live(const tailrace::Plan<int, int>& plan, const tailrace::load::Arrivals& arrivals, std::uint64_t requests,
                 std::uint64_t seed);

}  // namespace bench
