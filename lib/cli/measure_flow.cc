#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <vector>

#include "cli/cli.h"
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

Exit measure_flow(const MeasureFlowOptions& options) {
  const Catalog catalog = make_catalog();
  const auto graph = read_flow_file(options.flow, catalog);
  if (!graph) return complain(graph.error());
  if (const Type& in = (*graph)->input_type(); !equal(in, type_of<Tensor>))
    return complain(options.flow + ": takes " + catalog.type_name(in) + "; a row is a Tensor");
  const auto rows = read_rows(options.input);
  if (!rows) return complain(rows.error());
  const auto width = static_cast<std::size_t>(rows->shape.elements());
  if (options.columns > width)
    return complain(fmt::format("--columns {} asks for more numbers than rows have: {}", options.columns, width));
  MeasureOptions how;
  how.budget = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.seconds));
  if (const auto exit = load_models_or_complain(**graph, options.models, how.models)) return *exit;

  std::vector<Tensor> samples;
  for (std::size_t i = 0; i < rows->count; ++i) samples.push_back(rows->row(i, options.columns));
  const auto make = [](void* slot, const void* all, std::size_t i) {
    detail::emplace_in_slot<Tensor>(slot, static_cast<const Tensor*>(all)[i]);
  };
  const auto profile = detail::measure_graph(*graph, samples.data(), samples.size(), make, how);
  if (!profile) return complain(profile.error());
  const auto text = write_profile(*profile);
  if (!text) return complain(text.error());
  if (const auto written = write_file(options.out, *text); !written) return complain(written.error());
  return report(*profile);
}

}  // namespace tailrace::cli
