#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/cli.h"
#include "cli/rows.h"
#include "tailrace/engine/request.h"
#include "tailrace/load/arrivals.h"
#include "tailrace/model/registry.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/plan/graph.h"
#include "tailrace/plan/profile.h"
#include "tailrace/report/page.h"

// What bench and simulate share.
namespace tailrace::cli {

// A flow of the command line, with what it needs to run.
struct LoadedFlow {
  std::shared_ptr<const Graph> graph;
  Registry models;
  Profile profile;
};

// What requests are and when they come.
struct Load {
  Rows rows;
  std::size_t columns = 0;
  load::Arrivals arrivals;
  Request request;
  Duration goal{};  // the deadline where none was named; zero: neither was

  // The input of a request; borrows the row's memory.
  Tensor input(std::uint64_t number) const { return rows.row(static_cast<std::size_t>(number % rows.count), columns); }
};

// Reads all that the options name. Says what is wrong, and gives the exit code, where it cannot be had.
std::optional<Exit> read_load(const LoadOptions& options, LoadedFlow& flow, Load& load);

// The page's facts that both have in common.
std::vector<std::pair<std::string, std::string>> facts_of(const LoadOptions& options);

// Writes --raw and --report where they are asked for, and prints the text.
Exit deliver(const LoadOptions& options, const std::string& text, std::span<const load::Sample> samples,
             const report::Page& page);

// Calls `use.operator()<Out>()` with the type that a flow gives; says so where this program does not know it.
template <class Use>
Exit with_output(const std::string& file, const Graph& graph, const Use& use) {
  if (equal(graph.output_type(), type_of<std::int64_t>)) return use.template operator()<std::int64_t>();
  if (equal(graph.output_type(), type_of<Tensor>)) return use.template operator()<Tensor>();
  return complain(file + ": gives " + display_name(graph.output_type()) + ", which this program cannot count");
}

}  // namespace tailrace::cli
