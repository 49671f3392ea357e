#include "tailrace/sim/simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "cli/costs.h"
#include "cli/models.h"
#include "cli/under_load.h"
#include "tailrace/sim/timed.h"

namespace tailrace::cli {

namespace {

// The profile that was asked for, or one that is measured now.
std::optional<Exit> have_costs(LoadedFlow& flow, const Load& load) {
  if (!flow.profile.empty()) return std::nullopt;
  std::fputs("tailrace: no --profile: measuring the stages here, for about 2 s; another run will differ\n", stderr);
  auto measured = measure_rows(flow.graph, load.rows, load.columns, flow.models, 2);
  if (!measured) return complain(measured.error());
  flow.profile = *std::move(measured);
  return std::nullopt;
}

sim::SimulateOptions how_to(const SimulateFlowOptions& options, const Profile& profile) {
  sim::SimulateOptions how;
  how.seed = options.seed;
  how.workers = options.workers ? options.workers : std::max(1u, profile.measured.threads);
  how.requests = options.requests ? options.requests : 1'000'000'000;
  how.warm_up = options.warm_up;
  how.until = to_duration(options.seconds);
  how.max_in_flight = options.max_in_flight;
  return how;
}

report::Page page_of(const SimulateFlowOptions& options, const Load& load, const sim::Report& r,
                     const report::Tally& tally, const std::vector<load::Sample>& samples,
                     std::shared_ptr<const PlanData> plan) {
  report::Page page;
  page.title = r.flow;
  page.about = fmt::format("Simulated on a virtual clock with {} worker{}: {}, for {}.", r.workers,
                           r.workers == 1 ? "" : "s", options.arrivals, time_in_words(to_seconds(r.time)));
  page.facts = facts_of(options);
  page.facts.emplace_back("workers", std::to_string(r.workers));
  page.plan = std::move(plan);
  page.live = false;
  page.run = {r.flow,         load::summarise(samples, options.warm_up, load.goal),
              r.requests,     report::stage_times(r),
              tally.hedges(), tally.left()};
  return page;
}

template <class Out>
Exit simulate_typed(const SimulateFlowOptions& options, const LoadedFlow& flow, const Load& load) {
  const auto plan = optimise(
      Flow<Tensor, Out>(flow.graph),
      {.profile = flow.profile, .models = flow.models, .devices = facts_of_devices(flow.models), .with = options.with});
  if (!plan) return complain(plan.error());
  const auto timed = sim::timed(*plan, flow.profile, {.unknown_take_none = options.untimed});
  if (!timed) {
    complain(timed.error());
    return complain("a profile of this flow is made by tailrace measure; --untimed lets unknown stages take no time");
  }

  std::ofstream events;
  std::ostringstream raw;
  const auto tally = std::make_shared<report::Tally>(Observer::Detail::outcomes);
  sim::SimulateOptions how = how_to(options, flow.profile);
  if (!options.events.empty()) {
    events.open(options.events, std::ios::binary);
    how.events = &events;
  }
  if (!options.raw.empty() || !options.report.empty()) how.raw = &raw;
  if (!options.report.empty()) how.observer = tally;
  const sim::Workload<Tensor> workload{load.arrivals, [&](std::uint64_t n) { return load.input(n); }, load.request};
  const auto report = sim::simulate(*timed, workload, how);
  if (!report) return complain(report.error());
  if (how.events && !events.flush()) return complain(options.events + ": cannot be written");
  std::vector<load::Sample> samples;
  if (how.raw) samples = load::read_samples(raw.str()).value();
  const std::string text = options.json ? sim::to_json(*report) : sim::to_text(*report);
  return deliver(
      options, text, samples,
      options.report.empty() ? report::Page() : page_of(options, load, *report, *tally, samples, plan->share()));
}

}  // namespace

Exit simulate_flow(const SimulateFlowOptions& options) {
  LoadedFlow flow;
  Load load;
  if (const auto exit = read_load(options, flow, load)) return *exit;
  if (const auto exit = have_costs(flow, load)) return *exit;
  return with_output(options.flow, *flow.graph, [&]<class Out>() { return simulate_typed<Out>(options, flow, load); });
}

}  // namespace tailrace::cli
