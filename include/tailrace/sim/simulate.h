#pragma once
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "tailrace/engine/engine.h"
#include "tailrace/load/arrivals.h"
#include "tailrace/plan/handles.h"
#include "tailrace/sim/report.h"
#include "tailrace/sim/virtual_time.h"

namespace tailrace::sim {

// What comes in.
template <class In>
struct Workload {
  load::Arrivals arrivals;
  // The input of a request, by its number from 0 on. None: In().
  std::function<In(std::uint64_t)> input{};
  // What each of them asks for: a deadline, a priority, a stream. Its id is the simulation's.
  Request request{};
};

struct SimulateOptions {
  std::uint64_t seed = 1;            // of the arrivals and, by the requests' ids, of all simulated services
  unsigned workers = 1;              // stages that may keep a worker busy at the same time
  std::uint64_t requests = 100000;   // arrivals that count
  std::uint64_t warm_up = 0;         // arrivals before them, which do not
  Duration until = Duration::max();  // nothing arrives later
  std::uint32_t max_in_flight = 4096;
  std::uint32_t max_losers = 4096;
  Duration ageing = default_ageing;  // as in EngineOptions
  bool shed = true;
  std::ostream* events = nullptr;  // what happens, as CSV: docs/events.md
  Observer::Detail events_detail = Observer::Detail::outcomes;
  std::ostream* raw = nullptr;           // one line a request, as CSV
  std::shared_ptr<Observer> observer{};  // sees what happens
  // What hedges name their policies in, as in EngineOptions; null: the library's.
  std::shared_ptr<const PolicyCatalog> policies{};
};

}  // namespace tailrace::sim

namespace tailrace::detail {

// The part of a simulation that needs no types. One thread.
class Simulation {
 public:
  // Hands on what became of a request.
  struct Answered {
    Simulation* simulation;
    std::uint64_t number;
    TimePoint arrival;
    TimePoint deadline;

    template <class Out>
    void operator()(const Outcome<Out>& o) const noexcept {
      if (o) simulation->record(*this, Error(Code::none, {}), o);
      else simulation->record(*this, o.error(), o);
    }
  };
  // Submits a request; what it gives is the refusal. May throw.
  using Submit = std::function<Status(const Request& request, const Answered& answered)>;
  // What the engine says of its hedges.
  using Figures = std::function<EngineFigures()>;

  static Built<std::unique_ptr<Simulation>> prepare(const std::string& flow, const load::Arrivals& arrivals,
                                                    const Request& request, const sim::SimulateOptions& options);
  virtual ~Simulation() = default;

  virtual Built<EngineCore> start(std::shared_ptr<const PlanData> plan) = 0;
  virtual Built<sim::Report> run(const std::vector<QueueView>& queues, const Figures& figures,
                                 const Submit& submit) = 0;

 private:
  virtual void record(const Answered& answered, const Error& error, const Facts& facts) noexcept = 0;
};

}  // namespace tailrace::detail

namespace tailrace::sim {

// Runs a plan under a workload on virtual time: the engine itself, with its stations, races, deadlines and limits.
// Stages take the time that sim::service says, and everything else none.
//
//   auto report = sim::simulate(plan, sim::Workload<int>{load::Poisson{800}}, {.seed = 7, .workers = 2}).value();
//   std::cout << sim::to_text(report);
//
// The same plan, workload and seed give the same report and the same events, with every compiler. Memory: 8 bytes a
// request, and frames for max_in_flight and max_losers. Errors: what is wrong with the plan, the arrivals or the
// options; what `input` throws; out_of_memory.
template <class In, class Out>
Built<Report> simulate(const Plan<In, Out>& plan, const Workload<In>& workload, const SimulateOptions& options = {}) {
  auto simulation = detail::Simulation::prepare(plan.data().graph->name, workload.arrivals, workload.request, options);
  if (!simulation) return std::move(simulation).error();
  auto core = (*simulation)->start(plan.share());
  if (!core) return std::move(core).error();
  Engine<In, Out> engine(std::move(*core));
  const auto submit = [&](const Request& request, const detail::Simulation::Answered& answered) -> Status {
    const auto input = [&] {
      if constexpr (std::is_default_constructible_v<In>) {
        if (!workload.input) return In();
      }
      return workload.input(answered.number);  // without one it throws
    };
    return engine.submit(input(), request, [answered](Outcome<Out> o) { answered(o); });
  };
  return (*simulation)
      ->run(
          engine.queues(), [&] { return engine.figures(); }, submit);
}

}  // namespace tailrace::sim
