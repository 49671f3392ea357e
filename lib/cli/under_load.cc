#include "cli/under_load.h"

#include <fmt/format.h>

#include <cstdio>
#include <sstream>

#include "cli/files.h"
#include "cli/models.h"

namespace tailrace::cli {

std::optional<Exit> read_load(const LoadOptions& options, LoadedFlow& flow, Load& load) {
  if (const auto exit = check_passes("--with", options.with)) return exit;
  if (const auto exit = read_time_or_complain("--within", options.within, load.request.within)) return exit;
  load.goal = load.request.within;
  if (const auto exit = read_time_or_complain("--goal", options.goal, load.goal)) return exit;
  auto arrivals = load::read_arrivals(options.arrivals);
  if (!arrivals) {
    for (const Problem& p : arrivals.error().list()) complain("--arrivals " + p.where + ": " + p.what);
    return Exit::bad_input;
  }
  load.arrivals = *std::move(arrivals);
  load.columns = options.columns;
  if (const auto exit =
          read_flow_and_rows(options.flow, options.input, options.columns, make_catalog(), flow.graph, load.rows))
    return exit;
  auto profile = read_profile_file(options.profile);
  if (!profile) return complain(profile.error());
  flow.profile = *std::move(profile);
  return load_models_or_complain(*flow.graph, options.models, flow.models);
}

std::vector<std::pair<std::string, std::string>> facts_of(const LoadOptions& options) {
  std::vector<std::pair<std::string, std::string>> facts = {
      {"flow", options.flow},
      {"input", options.input},
      {"arrivals", options.arrivals},
      {"nothing sent after", fmt::format("{} s", options.seconds)},
      {"warm-up", fmt::format("{} requests", options.warm_up)},
      {"seed", std::to_string(options.seed)}};
  const auto add = [&](const char* what, const std::string& value) {
    if (!value.empty()) facts.emplace_back(what, value);
  };
  add("models", options.models);
  add("profile", options.profile);
  add("deadline", options.within);
  add("goal", options.goal);
  facts.emplace_back("most in flight", std::to_string(options.max_in_flight));
  facts.emplace_back("tailrace", TAILRACE_VERSION);
  return facts;
}

Exit deliver(const LoadOptions& options, const std::string& text, std::span<const load::Sample> samples,
             const report::Page& page) {
  if (!options.raw.empty()) {
    std::ostringstream raw;
    load::write_samples(raw, samples);
    if (const auto written = write_file(options.raw, raw.str()); !written) return complain(written.error());
  }
  if (!options.report.empty())
    if (const auto written = write_file(options.report, report::to_html(page)); !written)
      return complain(written.error());
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0 ? Exit::fine : complain("standard output cannot be written");
}

}  // namespace tailrace::cli
