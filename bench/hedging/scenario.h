#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/program.h"
#include "tailrace/core/parameters.h"
#include "tailrace/sim/distribution.h"
#include "tailrace/sim/simulate.h"

// Replicas that take random times, and policies that start second calls of them.
namespace hedging {

namespace tr = tailrace;

struct Service {
  std::string name;
  tr::sim::Distribution time;
  std::function<double(double)> above;  // P(longer than t seconds), exact
};
const std::vector<Service>& services();

// Where P(longer than t) falls to 0.01, in seconds.
double p99_of(const std::function<double(double)>& above);

// One stage with a hedge around it, under Poisson arrivals.
struct Cell {
  const Service* service = nullptr;
  double load = 0.5;  // of the replicas, without copies
  unsigned replicas = 2;
  tr::Duration looks_every{};  // how often a loser looks whether it may end; 0: it runs on
  bool holds_worker = false;   // the replicas are the engine's threads, which compute; else they are elsewhere
};
tr::Plan<int, int> plan_of(const Cell& cell, const tr::PolicyUse& policy);
double arrivals_per_second(const Cell& cell);
tr::sim::Report simulate(const Cell& cell, const tr::PolicyUse& policy, std::uint64_t requests, std::uint64_t seed);

tr::PolicyUse fixed(double delay_ms);
std::string name_of(const tr::PolicyUse& policy);  // for tables
// What is best among some fixed delays for a cell, by simulations on a seed that nothing else uses; "never" where none
// is.
tr::PolicyUse best_fixed(const Cell& cell, std::uint64_t requests);

// Calls `work(i)` for 0 to n - 1, on as many threads as there are processors. What it throws ends the program.
void for_each_cell(std::size_t n, const std::function<void(std::size_t)>& work);

void closed_forms(bench::Results& results);
void under_load(bench::Results& results, std::uint64_t requests);
void computing(bench::Results& results);
void live(bench::Results& results, std::uint64_t requests);
void computing_live(bench::Results& results, std::uint64_t requests);

}  // namespace hedging
