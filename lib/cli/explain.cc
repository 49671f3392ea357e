#include "tailrace/plan/explain.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "cli/cli.h"
#include "cli/files.h"
#include "cli/models.h"
#include "tailrace/opt/optimise.h"

namespace tailrace::cli {

std::optional<Exit> check_passes(const std::string& flag, const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const Pass& pass : passes()) known.emplace_back(pass.name);
  for (const std::string& name : names)
    if (std::find(known.begin(), known.end(), name) == known.end())
      return complain(flag + ": there is no pass '" + name + "'" + nearest_hint(name, known));
  return std::nullopt;
}

Exit explain_flow(const ExplainOptions& options) {
  if (const auto exit = check_passes("--with", options.with)) return *exit;
  const auto graph = read_flow_file(options.flow, make_catalog());
  if (!graph) return complain(graph.error());
  auto profile = read_profile_file(options.profile);
  if (!profile) return complain(profile.error());
  const auto models = models_of(**graph);
  if (!models.empty() && options.models.empty() &&
      options.profile.empty()) {  // what it computes; how it runs depends on the models
    std::fputs(explain(**graph).c_str(), stdout);
    return Exit::fine;
  }
  Registry registry;
  if (const auto exit = load_models_or_complain(**graph, options.models, registry)) return *exit;
  auto devices = facts_of_devices(registry);
  const auto plan = optimise(*graph, {.profile = *std::move(profile),
                                      .models = std::move(registry),
                                      .devices = std::move(devices),
                                      .with = options.with});
  if (!plan) return complain(plan.error());
  std::fputs(explain(*plan).c_str(), stdout);
  return Exit::fine;
}

}  // namespace tailrace::cli
