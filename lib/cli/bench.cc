#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/models.h"
#include "cli/under_load.h"
#include "tailrace/exec/start.h"
#include "tailrace/load/compare.h"

namespace tailrace::cli {

namespace {

constexpr std::uint64_t most_requests = 10'000'000;  // about 100 bytes each

std::string file_name(const std::string& path) { return std::filesystem::path(path).filename().string(); }

// One less than there are: the sender needs one.
unsigned threads_of(const BenchFlowOptions& options) {
  return options.threads ? options.threads : std::max(2u, usable_processors()) - 1;
}

// One of the systems, its engine running.
template <class Out>
struct Running {
  std::string name;
  std::optional<Plan<Tensor, Out>> plan{};
  std::shared_ptr<report::Tally> tally{};  // where there is to be a page
  std::optional<Engine<Tensor, Out>> engine{};

  std::optional<Exit> start(const BenchFlowOptions& options, const LoadedFlow& flow,
                            const std::vector<std::string>& without) {
    auto made = optimise(Flow<Tensor, Out>(flow.graph), {.profile = flow.profile,
                                                         .models = flow.models,
                                                         .devices = facts_of_devices(flow.models),
                                                         .with = options.with,
                                                         .without = without});
    if (!made) return complain(made.error());
    plan = *std::move(made);
    if (!options.report.empty()) tally = std::make_shared<report::Tally>();
    auto started = tailrace::start(
        *plan, {.threads = threads_of(options), .max_in_flight = options.max_in_flight, .observer = tally});
    if (!started) return complain(started.error());
    engine.emplace(*std::move(started));
    return std::nullopt;
  }
  report::Run seen(const load::DriveReport& report) const {
    if (!tally) return {name, report};
    return {name, report, tally->requests(), tally->stages(), tally->hedges(), tally->left()};
  }
  load::Submit submit(const Load& load) {
    return load::into(
        *engine, [&load](std::uint64_t n) { return load.input(n); }, load.request);
  }
};

load::DriveOptions how_to(const BenchFlowOptions& options, const Load& load, double seconds) {
  load::DriveOptions how;
  how.seed = options.seed;
  how.warm_up = options.warm_up;
  const bool closed = std::holds_alternative<load::Closed>(load.arrivals);
  how.requests = options.requests ? options.requests : closed ? most_requests / 10 : most_requests;
  how.until = to_duration(seconds);
  how.precise = options.precise;
  how.goal = load.goal;
  return how;
}

report::Page page_of(const BenchFlowOptions& options, const std::string& title) {
  report::Page page;
  page.title = title;
  page.about = fmt::format("Measured live on {} thread{}: {}.", threads_of(options),
                           threads_of(options) == 1 ? "" : "s", options.arrivals);
  page.facts = facts_of(options);
  if (!options.against.empty()) page.facts.emplace_back("against", options.against);
  page.facts.emplace_back("threads", std::to_string(threads_of(options)));
  return page;
}

template <class Out>
Exit bench_alone(const BenchFlowOptions& options, const LoadedFlow& flow, const Load& load) {
  Running<Out> one{flow.graph->name};
  if (const auto exit = one.start(options, flow, {})) return *exit;
  const auto report = load::drive(load.arrivals, one.submit(load), how_to(options, load, options.seconds));
  if (!report) return complain(report.error());
  report::Page page = page_of(options, one.name);
  page.plan = one.plan->share();
  page.run = one.seen(*report);
  return deliver(options, options.json ? load::to_json(*report) : load::to_text(*report, one.name), report->samples,
                 page);
}

template <class Out>
Exit bench_both(const BenchFlowOptions& options, const LoadedFlow& flow, const LoadedFlow& other, const Load& load) {
  Running<Out> a{file_name(options.flow)}, b{file_name(options.against.empty() ? options.flow : options.against)};
  for (const std::string& pass : options.without) b.name += " without " + pass;
  if (const auto exit = a.start(options, flow, {})) return *exit;
  if (const auto exit = b.start(options, other, options.without)) return *exit;
  load::CompareOptions how;
  how.seed = options.seed;
  how.rounds = options.rounds;
  how.each = how_to(options, load, options.seconds / (2 * (options.rounds + 1)));
  const auto c = load::compare({a.name, a.submit(load)}, {b.name, b.submit(load)}, load.arrivals, how);
  if (!c) return complain(c.error());
  report::Page page = page_of(options, flow.graph->name);
  page.about += fmt::format(" A, {}, and B, {}, in turns, {} rounds. The plan is A's.", a.name, b.name, options.rounds);
  page.plan = a.plan->share();
  page.run = a.seen(c->of_a);
  page.other = b.seen(c->of_b);
  page.ratios = c->ratios;
  return deliver(options, options.json ? load::to_json(*c) : load::to_text(*c), c->of_a.samples, page);
}

}  // namespace

Exit bench_flow(const BenchFlowOptions& options) {
  LoadedFlow flow;
  Load load;
  if (const auto exit = check_passes("--without", options.without)) return *exit;
  if (const auto exit = read_load(options, flow, load)) return *exit;
  if (options.against.empty() && options.without.empty())
    return with_output(options.flow, *flow.graph, [&]<class Out>() { return bench_alone<Out>(options, flow, load); });
  LoadedFlow other = flow;
  if (!options.against.empty()) {
    auto graph = read_flow_file(options.against, make_catalog());
    if (!graph) return complain(graph.error());
    other = {*std::move(graph), {}, {}};
    if (const auto exit = load_models_or_complain(*other.graph, options.models, other.models)) return *exit;
    if (!equal(other.graph->input_type(), flow.graph->input_type()) ||
        !equal(other.graph->output_type(), flow.graph->output_type()))
      return complain(options.against + ": takes and gives other types than " + options.flow);
  }
  return with_output(options.flow, *flow.graph,
                     [&]<class Out>() { return bench_both<Out>(options, flow, other, load); });
}

}  // namespace tailrace::cli
