#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tailrace/core/problems.h"
#include "tailrace/plan/handles.h"
#include "tailrace/plan/profile.h"
#include "tailrace/sim/service.h"

namespace tailrace::sim {

struct TimedOptions {
  ServiceOptions service{};  // of every stage's time: see sim/service.h
  // Stages that the profile does not know, and batches without a table, take no time. Otherwise they are a problem,
  // each by its path.
  bool unknown_take_none = false;
};

}  // namespace tailrace::sim

namespace tailrace::detail {
Built<std::shared_ptr<const PlanData>> timed_plan(const PlanData& plan, const Profile& profile,
                                                  const sim::TimedOptions& options);
}

namespace tailrace::sim {

// A plan that answers as `plan` does, and whose stages take the times of a profile: drawn from its quantiles, on the
// worker that runs them. On virtual time a simulation then shows what real stages, models and exit tests decide on real
// inputs, with waits and queues as they would be; nothing is slowed down by running them here.
//
//   const auto profile = tr::measure(classify, samples).value();
//   const auto plan = tr::optimise(classify, {.profile = profile}).value();
//   auto report = sim::simulate(sim::timed(plan, profile).value(), workload, {.workers = 4}).value();
//
// Behind each stage stands one that takes its time and hands its value on. It has the stage's name; the stage itself is
// called NAME.value in errors. A stage's limit counts calls that take their time. Not the same as live: a stage runs
// when its time begins, one that fails takes no time, tests take none, and stages that were fused end their blocks.
//
// Calls for several requests take the medians of their table, by the rows that they run as: the one that `optimise`
// took from the model's profile, or that the stage has (StageOptions::times). Their stages stay as they are, and the
// policy sizes calls as it would live, with one difference: where all workers are busy, a request that waits for one
// before an earlier stage is not on its way to the call yet, as it is live, and calls are smaller than there.
// ServiceOptions say nothing of them. Models that start their calls (Model::starts) take the profile's time without a
// worker, at each place as many at a time as Model::at_once says; the real call is waited for while the clock stands.
// Other asynchronous stages keep their own time beside the profile's.
//
// Errors: stages without a time, and batches without a table, as said above; a last rung that owns its cascade's input
// and cannot copy it.
template <class In, class Out>
Built<Plan<In, Out>> timed(const Plan<In, Out>& plan, const Profile& profile, const TimedOptions& options = {}) {
  auto data = detail::timed_plan(plan.data(), profile, options);
  if (!data) return std::move(data).error();
  return Plan<In, Out>(*std::move(data));
}

}  // namespace tailrace::sim
