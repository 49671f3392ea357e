#pragma once
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tailrace/exec/start.h"

// The ways in which every semantic case is run.
namespace tailrace::test {

void fork_every_join(const Graph& graph, GraphChoices& choices);

std::shared_ptr<Observer> asks_for_stages();

// An executor and what the plan was made with.
struct Setting {
  std::string name;
  std::shared_ptr<Executor> executor{};  // null: the engine's own threads
  unsigned threads = 2;
  bool rewrites = true;
  std::uint32_t max_losers = 256;
  bool forks = false;                 // branches of joins run at the same time
  bool on_the_clock = true;           // a deadline is seen while a stage runs, by a thread of the executor's
  bool virtual_time = false;          // stages take no time, and the clock is not the machine's
  bool traced = false;                // an observer asks for stages, so that programs hold marks
  std::function<void()> meanwhile{};  // what whoever waits does: where there are no threads, it lends its own

  // Whether a stage may be held at a gate while a deadline is seen and others see to the rest.
  bool holds_a_loser() const noexcept { return threads > 1 && max_losers > 0 && on_the_clock; }

  // REQUIRES: the flow is sound. Options that are given count.
  template <class In, class Out>
  Engine<In, Out> start(const Flow<In, Out>& flow, EngineOptions options = {}) const {
    OptimiseOptions how;
    if (!rewrites) how.without = {"fuse"};
    auto plan = optimise(flow, how);
    if (!plan) throw std::logic_error("the flow is wrong: " + plan.error().what());
    PlanData chosen = plan->data();
    if (forks) fork_every_join(*chosen.graph, chosen.choices.root);
    options.executor = executor;
    options.threads = threads;
    if (max_losers != 256) options.max_losers = max_losers;
    if (traced && !options.observer) options.observer = asks_for_stages();
    return std::move(tailrace::start(Plan<In, Out>(std::move(chosen)), options)).value();
  }
};

// Why a case cannot be run in a setting, whose executor promises less than the case is about; empty: it can.
std::string why_not(const Setting& setting, const std::string& name);
// Every case and every reason that why_not() knows.
std::vector<std::pair<std::string, std::string>> exceptions();

// Every executor, with and without rewrites, and once each with races that run in order, joins that fork, and marks for
// an observer. Made once, for the whole program.
const std::vector<Setting>& settings();

enum class Way { run, run_in_a_stage, handle, callback };
inline constexpr Way ways[] = {Way::run, Way::run_in_a_stage, Way::handle, Way::callback};
std::string_view name(Way way);

}  // namespace tailrace::test
