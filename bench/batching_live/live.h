#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "batching/scenario.h"

// The cells of bench/batching on an engine of one thread, beside one that sends.
namespace batching {

// A model whose calls take real time.
struct Subject {
  Model model;  // its name, and what its calls take
  std::function<tr::Plan<int, int>(const tr::PolicyUse& policy, unsigned max_batch)> plan;
  std::shared_ptr<std::atomic<std::uint64_t>> begun{};  // calls of all its plans; null: not counted
};
// Calls that keep their thread busy for what the table says, the table so stretched that a call for one row takes
// `one` seconds.
std::vector<Subject> stretched(double one);
// The network 64-1024-1024-10 by LibTorch, its table as measured here and now, for about so many seconds.
Subject network(double seconds);
// Throws bench::WrongAnswer where a row's answer in a call for several is another than alone.
void compare_answers();

struct Ran {
  double goodput = 0;   // share of requests that were answered within the goal; without one, at all
  double p99 = 0;       // seconds
  double lateness = 0;  // of the sender, p99, seconds
};
// Sends for so many seconds what arrives, and a tenth of that before, which does not count. Zero goal: no deadlines.
Ran run(const tr::Plan<int, int>& plan, bool shed, const tr::load::Arrivals& arrivals, double rate, double goal,
        double seconds, std::uint64_t seed);

void live_goals(const std::vector<Subject>& subjects, const std::string& prefix, const std::string& of,
                const bench::Options& options, bench::Results& results);
void live_light_load(const std::vector<Subject>& subjects, const bench::Options& options, bench::Results& results);
void live_cliffs(const std::vector<Subject>& subjects, const bench::Options& options, bench::Results& results);

}  // namespace batching
