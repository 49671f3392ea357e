#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/core/problems.h"
#include "tailrace/model/device.h"
#include "tailrace/model/registry.h"
#include "tailrace/plan/handles.h"
#include "tailrace/plan/profile.h"

namespace tailrace {

// What a flow is to meet. Zero: nothing is said.
struct Goal {
  Duration p99{};  // 99 of 100 requests take no longer
};

// What optimise is given beside the flow.
struct OptimiseOptions {
  Profile profile{};                   // what stages cost; empty: unknown, and nothing is guessed
  Registry models{};                   // what models asked for by name and need are looked up in
  std::vector<DeviceFacts> devices{};  // beside the CPU: where `place` may put models, and what that costs
  Duration max_block{};                // the most that a block is expected to take; zero: no limit
  Goal goal{};
  std::vector<std::string> with{};     // passes that do what they would only propose otherwise, by name: "race"
  std::vector<std::string> without{};  // passes to leave out, by name
};

// Rewrites never change an answer. Choices may change its bits, or which of several admissible answers it is, and are
// held fixed when answers are compared.
enum class PassKind { rewrite, choice };

// A pass changes the plan and records in Choices::decisions what it decided and why. It gives what the user must mend
// first, or nothing. REQUIRES: the plan is sound (verify), but that models may be unresolved.
using PassFunction = Problems (*)(PlanData& plan, const OptimiseOptions& options);

struct Pass {
  std::string_view name;
  PassKind kind;
  PassFunction run;
  std::string_view why_here;  // why it stands where it stands in the list
};

// All passes, in the order in which they run.
std::span<const Pass> passes() noexcept;

// One pass, or its omission, with what the driver does around it: skips it where options.without names it, times it
// into Choices::passes, and verifies the plan behind it. A pass that breaks the plan is an internal_error that names
// it.
Problems run_pass(const Pass& pass, PlanData& plan, const OptimiseOptions& options);

}  // namespace tailrace
