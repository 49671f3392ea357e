#include <fmt/format.h>

#include <cstdio>
#include <deque>
#include <optional>

#include "cli/cli.h"
#include "cli/files.h"
#include "cli/json_lines.h"
#include "cli/models.h"
#include "cli/rows.h"
#include "tailrace/exec/start.h"
#include "tailrace/stages/top.h"
#include "tailrace/trace/all.h"
#include "tailrace/trace/chrome.h"
#include "tailrace/trace/metrics.h"

namespace tailrace::cli {

namespace {

// Keeps as many requests under way as the engine's threads can use; answers are printed in the order of rows.
template <class Out>
Exit answer_rows(Engine<Tensor, Out>& engine, const Rows& rows, const RunOptions& options, const Request& request,
                 std::size_t window) {
  std::deque<Handle<Out>> open;
  std::size_t failed = 0, printed = 0;
  const auto print_next = [&] {
    const Outcome<Out> outcome = open.front().get();
    open.pop_front();
    failed += !outcome;
    std::puts(answer_line(printed++, outcome).c_str());
  };
  for (std::size_t i = 0; i < rows.count; ++i) {
    if (open.size() == window) print_next();
    open.push_back(engine.submit(rows.row(i, options.columns), request));
  }
  while (!open.empty()) print_next();
  if (std::fflush(stdout) != 0) return complain("standard output cannot be written");
  if (failed == 0) return Exit::fine;
  return complain(fmt::format("{} of {} rows have no answer; their lines say why", failed, rows.count),
                  Exit::some_failed);
}

// What --trace and --metrics ask for; written when the engine is gone.
struct Watchers {
  std::shared_ptr<trace::Chrome> chrome;
  std::shared_ptr<trace::Metrics> metrics;

  explicit Watchers(const RunOptions& o)
      : chrome(o.trace.empty() ? nullptr : std::make_shared<trace::Chrome>()),
        metrics(o.metrics.empty() ? nullptr : std::make_shared<trace::Metrics>()) {}
  std::shared_ptr<Observer> observer() const { return trace::all({chrome, metrics, trace::from_environment()}); }
  Exit write(const RunOptions& o, Exit exit) const {
    Problems problems;
    if (chrome) problems.add(chrome->write(o.trace));
    if (metrics)
      if (const auto written = write_file(o.metrics, metrics->text()); !written) problems.add(written.error());
    return problems.empty() ? exit : complain(problems);
  }
};

template <class Out>
Exit run_typed(const std::shared_ptr<const Graph>& graph, OptimiseOptions how, const Rows& rows,
               const RunOptions& options, const Request& request) {
  how.devices = facts_of_devices(how.models);
  const auto plan = optimise(Flow<Tensor, Out>(graph), how);
  if (!plan) return complain(plan.error());
  const unsigned threads = options.threads ? options.threads : usable_processors();
  const std::size_t window = 2 * std::size_t{threads};
  const Watchers watchers(options);
  Exit exit;
  {
    auto engine = start(
        *plan,
        {.threads = threads, .max_in_flight = static_cast<std::uint32_t>(window), .observer = watchers.observer()});
    if (!engine) return complain(engine.error());
    exit = answer_rows(*engine, rows, options, request, window);
  }
  return watchers.write(options, exit);
}

}  // namespace

Exit run_flow(const RunOptions& options) {
  Request request;
  if (const auto exit = read_time_or_complain("--within", options.within, request.within)) return *exit;
  const Catalog catalog = make_catalog();
  std::shared_ptr<const Graph> graph;
  Rows rows;
  if (const auto exit = read_flow_and_rows(options.flow, options.input, options.columns, catalog, graph, rows))
    return *exit;

  OptimiseOptions how{.with = options.with};
  if (const auto exit = check_passes("--with", how.with)) return *exit;
  auto profile = read_profile_file(options.profile);
  if (!profile) return complain(profile.error());
  how.profile = *std::move(profile);
  if (const auto exit = load_models_or_complain(*graph, options.models, how.models)) return *exit;
  const Type& out = graph->output_type();
  if (equal(out, type_of<std::int64_t>)) return run_typed<std::int64_t>(graph, std::move(how), rows, options, request);
  if (equal(out, type_of<Tensor>)) return run_typed<Tensor>(graph, std::move(how), rows, options, request);
  if (equal(out, type_of<stages::Ranking>))
    return run_typed<stages::Ranking>(graph, std::move(how), rows, options, request);
  return complain(options.flow + ": gives " + catalog.type_name(out) + ", which this program cannot print");
}

}  // namespace tailrace::cli
