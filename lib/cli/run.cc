#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <deque>
#include <optional>

#include "cli/cli.h"
#include "cli/files.h"
#include "cli/json_lines.h"
#include "cli/models.h"
#include "cli/rows.h"
#include "tailrace/exec/start.h"
#include "tailrace/trace/all.h"
#include "tailrace/trace/chrome.h"
#include "tailrace/trace/metrics.h"

namespace tailrace::cli {

namespace {

// "5ms", "0.2s", "300us"; nothing for other texts and for durations that are not above zero.
std::optional<Duration> duration_in(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const double seconds = unit == "s" ? value : unit == "ms" ? value / 1e3 : unit == "us" ? value / 1e6 : -1;
  if (!(seconds > 0 && seconds < 1e6)) return std::nullopt;
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

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
Exit run_typed(const std::shared_ptr<const Graph>& graph, Registry registry, const Rows& rows,
               const RunOptions& options, const Request& request) {
  const auto plan = optimise(Flow<Tensor, Out>(graph), {.models = std::move(registry)});
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
  if (!options.within.empty()) {
    const auto within = duration_in(options.within);
    if (!within) return complain("--within takes a time such as 5ms, 0.2s or 300us, got '" + options.within + "'");
    request.within = *within;
  }
  const Catalog catalog = make_catalog();
  std::shared_ptr<const Graph> graph;
  Rows rows;
  if (const auto exit = read_flow_and_rows(options.flow, options.input, options.columns, catalog, graph, rows))
    return *exit;

  Registry registry;
  if (const auto exit = load_models_or_complain(*graph, options.models, registry)) return *exit;
  const Type& out = graph->output_type();
  if (equal(out, type_of<std::int64_t>))
    return run_typed<std::int64_t>(graph, std::move(registry), rows, options, request);
  if (equal(out, type_of<Tensor>)) return run_typed<Tensor>(graph, std::move(registry), rows, options, request);
  return complain(options.flow + ": gives " + catalog.type_name(out) + ", which this program cannot print");
}

}  // namespace tailrace::cli
