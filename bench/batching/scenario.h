#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/program.h"
#include "tailrace/load/arrivals.h"
#include "tailrace/model/batch_times.h"
#include "tailrace/plan/handles.h"

// One model whose calls answer several requests, one call at a time, and policies that size its batches.
namespace batching {

namespace tr = tailrace;

inline constexpr unsigned most = 32;  // rows of the largest call

struct Model {
  std::string name;
  tr::BatchTimes times;
  double one() const { return times.seconds(1); }
};
const std::vector<Model>& models();

// The rate at which its best calls answer rows, one after another, of those that take at most `longest` seconds.
double capacity(const Model& model, double longest);

enum class Shape { poisson, bursty, step };
std::string name(Shape shape);
// With that mean rate, in requests a second; bursts and steps are as long as `span` seconds.
tr::load::Arrivals arrivals(Shape shape, double rate, double span);

struct Cell {
  const Model* model = nullptr;
  double goal = 10;  // of requests, in times of a call for one row
  Shape shape = Shape::poisson;
  double load = .7;  // mean rate, as a share of what calls allow that take at most half of the goal
  double span = 40;  // how long bursts and steps are, in goals
  double goal_seconds() const { return goal * model->one(); }
  double rate() const { return load * capacity(*model, goal_seconds() / 2); }
  tr::load::Arrivals arrives() const { return arrivals(shape, rate(), span * goal_seconds()); }
};
// Every goal, shape and load of each model.
std::vector<Cell> cells_of(const std::vector<Model>& models, double span = 40);

tr::Plan<int, int> plan_of(const Model& model, const tr::PolicyUse& policy, unsigned max_batch = most);

// A policy, and whether the engine refuses who would miss his deadline.
struct Arm {
  tr::PolicyUse policy;
  bool shed = true;
};
// The share of requests that are answered within the goal.
double goodput(const Cell& cell, const Arm& arm, std::uint64_t requests, std::uint64_t seed);

// What is best of fixed sizes and delays, of AIMD's goals, and of greedy, each with and without shedding; found on a
// seed that nothing else uses.
Arm best_fixed(const Cell& cell, std::uint64_t requests);
Arm best_aimd(const Cell& cell, std::uint64_t requests);
Arm best_greedy(const Cell& cell, std::uint64_t requests);
std::string name_of(const Arm& arm);

// The least time for 0 to `rows` rows, one call after another: by all ways to cut them, each call padded or not.
std::vector<double> least_times(const Model& model, std::uint32_t rows);

// Calls `work(i)` for 0 to n - 1, on as many threads as there are processors.
void for_each(std::size_t n, const std::function<void(std::size_t)>& work);

void goals(bench::Results& results, std::uint64_t requests);       // e4
void light_load(bench::Results& results, std::uint64_t requests);  // e4
void cliffs(bench::Results& results);                              // e5

}  // namespace batching
