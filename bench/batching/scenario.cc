#include "batching/scenario.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "tailrace/flow/flow.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/policy/batch_plan.h"
#include "tailrace/sim/batch.h"
#include "tailrace/sim/simulate.h"

namespace batching {
namespace {

constexpr std::uint64_t search_seed = 1001;
constexpr unsigned sizes[] = {1, 2, 4, 8, 16, 32};
constexpr double delays[] = {0, .25, .5, 1, 2, 4, 8};  // times of a call for one row

tr::PolicyUse fixed(double size, double delay) { return {"fixed", {{"size", size}, {"delay_ms", 1e3 * delay}}}; }
tr::PolicyUse aimd(double goal) { return {"aimd", {{"goal_ms", 1e3 * goal}}}; }

Arm best_of(const Cell& cell, const std::vector<tr::PolicyUse>& policies, std::uint64_t requests) {
  Arm best;
  double most_answered = -1;
  for (const auto& policy : policies)
    for (const bool shed : {true, false}) {
      const double found = goodput(cell, {policy, shed}, requests, search_seed);
      if (found <= most_answered) continue;
      most_answered = found;
      best = {policy, shed};
    }
  return best;
}

}  // namespace

double capacity(const Model& model, double longest) {
  const tr::BatchPlan plan(model.times, most);
  double rate = 1 / plan.run(1);
  for (std::uint32_t n = 2; n <= most && plan.run(n) <= longest; ++n) rate = std::max(rate, n / plan.run(n));
  return rate;
}

std::string name(Shape shape) {
  return shape == Shape::poisson ? "Poisson" : shape == Shape::bursty ? "bursty" : "step";
}

tr::load::Arrivals arrivals(Shape shape, double rate, double span) {
  const tr::Duration half = tr::to_duration(span);
  if (shape == Shape::poisson) return tr::load::Poisson{rate};
  if (shape == Shape::bursty) return tr::load::Mmpp{1.8 * rate, .2 * rate, half, half};
  tr::load::Step steps;
  for (int i = 0; i < 400; ++i) steps.rates.push_back({i * half, (i % 2 ? 1.6 : .4) * rate});
  return steps;
}

std::vector<Cell> cells_of(const std::vector<Model>& models, double span) {
  std::vector<Cell> all;
  for (const Model& model : models)
    for (const double goal : {4., 10., 30.})
      for (const Shape shape : {Shape::poisson, Shape::bursty, Shape::step})
        for (const double load : {.5, .8, 1.2}) all.push_back({&model, goal, shape, load, span});
  return all;
}

tr::Plan<int, int> plan_of(const Model& model, const tr::PolicyUse& policy, unsigned max_batch) {
  const auto flow = tr::flow<int>("serve", [&](tr::Stream<int> x) {
    return x.then("model", tr::stage(tr::sim::batch_service<int>(model.times),
                                     {.max_batch = max_batch, .batch = policy, .times = model.times}));
  });
  return tr::optimise(flow).value();
}

double goodput(const Cell& cell, const Arm& arm, std::uint64_t requests, std::uint64_t seed) {
  tr::Request request;
  request.within = tr::to_duration(cell.goal_seconds());
  const auto report =
      tr::sim::simulate(plan_of(*cell.model, arm.policy), tr::sim::Workload<int>{cell.arrives(), {}, request},
                        {.seed = seed, .workers = 1, .requests = requests, .shed = arm.shed})
          .value();
  return static_cast<double>(report.count(tr::Code::none)) / static_cast<double>(report.requests);
}

Arm best_fixed(const Cell& cell, std::uint64_t requests) {
  std::vector<tr::PolicyUse> all;
  for (const unsigned size : sizes)
    for (const double delay : delays)
      if (size > 1 || delay == 0) all.push_back(fixed(size, delay * cell.model->one()));
  return best_of(cell, all, requests);
}
Arm best_greedy(const Cell& cell, std::uint64_t requests) { return best_of(cell, {{"greedy"}}, requests); }
Arm best_aimd(const Cell& cell, std::uint64_t requests) {
  return best_of(cell, {aimd(cell.goal_seconds()), aimd(cell.goal_seconds() / 2)}, requests);
}

std::string name_of(const Arm& arm) {
  const auto& numbers = arm.policy.parameters.list();
  std::string text = arm.policy.name;
  if (text == "fixed")
    text = bench::text(numbers[0].number, 0) + ", " + bench::text(1e3 * numbers[1].number, 0) + " us";
  return text + (arm.shed ? ", shed" : "");
}

void for_each(std::size_t n, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto take = [&] {
    for (std::size_t i = next++; i < n; i = next++) work(i);
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < std::max(1u, std::thread::hardware_concurrency()); ++i) others.emplace_back(take);
  take();
}

}  // namespace batching
