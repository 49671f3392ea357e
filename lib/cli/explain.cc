#include "tailrace/plan/explain.h"

#include <cstdio>

#include "cli/cli.h"
#include "cli/models.h"
#include "tailrace/opt/optimise.h"

namespace tailrace::cli {

Exit explain_flow(const ExplainOptions& options) {
  const auto graph = read_flow_file(options.flow, make_catalog());
  if (!graph) return complain(graph.error());
  const auto models = models_of(**graph);
  if (!models.empty() && options.models.empty()) {  // what it computes; how it runs depends on the models
    std::fputs(explain(**graph).c_str(), stdout);
    return Exit::fine;
  }
  Registry registry;
  if (!models.empty()) {
    if (!have_torch()) return complain(no_torch, Exit::not_available);
    auto loaded = load_models(**graph, options.models);
    if (!loaded) return complain(loaded.error());
    registry = *std::move(loaded);
  }
  const auto plan = optimise(*graph, {.models = std::move(registry)});
  if (!plan) return complain(plan.error());
  std::fputs(explain(*plan).c_str(), stdout);
  return Exit::fine;
}

}  // namespace tailrace::cli
