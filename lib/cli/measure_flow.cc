#include <fmt/format.h>

#include <cstdio>
#include <utility>
#include <vector>

#include "cli/cli.h"
#include "cli/costs.h"
#include "cli/files.h"
#include "cli/models.h"
#include "cli/rows.h"
#include "tailrace/exec/measure.h"

namespace tailrace::cli {

namespace {

std::string name_of(const Cost& cost, const Profile& profile) {
  if (cost.where.empty()) return "the flow " + profile.flow;
  return cost.where + (cost.variant.empty() ? "" : ", " + cost.variant);
}

// The figures for people, and what failed.
Exit report(const Profile& profile) {
  Exit exit = Exit::fine;
  for (const Cost& c : profile.costs) {
    if (c.time.known())
      std::puts(fmt::format("{:>10}  {}{}", time_in_words(c.time.expected()), name_of(c, profile),
                            c.time.steady() ? "" : " (rounds differ much)")
                    .c_str());
    if (c.failures)
      exit = complain(fmt::format("{} failed {} of {} times: {}", name_of(c, profile), c.failures,
                                  c.failures + c.time.calls, c.error),
                      Exit::some_failed);
  }
  std::puts(
      fmt::format("{:>10}  to wake a thread", profile.wake.known() ? time_in_words(profile.wake.expected()) : "unknown")
          .c_str());
  return std::fflush(stdout) == 0 ? exit : complain("standard output cannot be written");
}

}  // namespace

Built<Profile> measure_rows(const std::shared_ptr<const Graph>& graph, const Rows& rows, std::size_t columns,
                            Registry registry, double seconds) {
  MeasureOptions how;
  how.models = std::move(registry);
  how.budget = to_duration(seconds);
  std::vector<Tensor> samples;
  for (std::size_t i = 0; i < rows.count; ++i) samples.push_back(rows.row(i, columns));
  const auto make = [](void* slot, const void* all, std::size_t i) {
    detail::emplace_in_slot<Tensor>(slot, static_cast<const Tensor*>(all)[i]);
  };
  return detail::measure_graph(graph, samples.data(), samples.size(), make, how);
}

Exit measure_flow(const MeasureFlowOptions& options) {
  const Catalog catalog = make_catalog();
  std::shared_ptr<const Graph> graph;
  Rows rows;
  if (const auto exit = read_flow_and_rows(options.flow, options.input, options.columns, catalog, graph, rows))
    return *exit;

  Registry registry;
  if (const auto exit = load_models_or_complain(*graph, options.models, registry)) return *exit;
  const auto profile = measure_rows(graph, rows, options.columns, std::move(registry), options.seconds);
  if (!profile) return complain(profile.error());
  const auto text = write_profile(*profile);
  if (!text) return complain(text.error());
  if (const auto written = write_file(options.out, *text); !written) return complain(written.error());
  return report(*profile);
}

}  // namespace tailrace::cli
