#pragma once
#include <memory>

#include "cli/rows.h"
#include "tailrace/model/registry.h"
#include "tailrace/plan/graph.h"
#include "tailrace/plan/profile.h"

namespace tailrace::cli {

// What the stages of a flow cost on these rows, measured for about so long.
Built<Profile> measure_rows(const std::shared_ptr<const Graph>& graph, const Rows& rows, std::size_t columns,
                            Registry registry, double seconds);

}  // namespace tailrace::cli
