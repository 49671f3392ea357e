#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tailrace/load/compare.h"
#include "tailrace/load/driver.h"
#include "tailrace/plan/handles.h"
#include "tailrace/report/tally.h"

namespace tailrace::report {

// One system under load: what `load::drive` found, or what a simulation's samples say (load::summarise).
struct Run {
  std::string name;
  load::DriveReport report;
  std::uint64_t seen = 0;           // requests that what follows is of
  std::vector<StageTime> stages{};  // one without a path is the wait for a worker
  std::vector<HedgeCount> hedges{};
  std::vector<LeftAt> left{};
};

struct Page {
  std::string title;
  std::string about;                                         // one sentence: what was done
  std::vector<std::pair<std::string, std::string>> facts{};  // name and value, for the table of how it was done
  std::shared_ptr<const PlanData> plan{};                    // drawn, where there is one
  Run run;
  std::optional<Run> other{};         // what it is compared with
  std::vector<load::Ratio> ratios{};  // the other one's figures by the first one's
  bool live = true;                   // false: simulated, so that there is no generator and nobody else
};

// One page of HTML that stands by itself: it fetches nothing, runs no script, follows the reader's light or dark
// setting, and fits a phone. The plan, latencies and their tail, where time went, what came and became of it over time,
// hedges, and where cascades were left; every number stands in a table, exactly. Cells with a `data-key` carry the
// number of that name in the JSON report as `data-value`. Texts may be anything. Throws std::bad_alloc.
std::string to_html(const Page& page);

}  // namespace tailrace::report
