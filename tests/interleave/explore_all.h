#pragma once
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "interleave/world.h"
#include "tailrace/flow/flow.h"

// What cases of interleavings share.
namespace tailrace::interleave {

template <class Build>
auto plan_of(Build build, bool fork = false) {
  auto plan = optimise(flow<int>("f", build)).value();
  PlanData data = plan.data();
  for (std::size_t i = 0; i < data.graph->nodes.size(); ++i)
    data.choices.root.fork[i] = fork && data.graph->nodes[i].kind == Kind::join;
  return decltype(plan)(std::move(data));
}

// Collects outcomes, and says at the end whether each that is allowed was seen and no other.
struct Seen {
  std::set<std::string> allowed, seen{};
  void operator()(const std::string& outcome) {
    test::check(allowed.count(outcome), "not allowed: " + outcome);
    seen.insert(outcome);
  }
};

// Explores a case: `once` throws where something is wrong.
inline void explore_all(Seen& outcomes, const std::function<void(const Schedule::Pick&)>& once,
                        const Bounds& bounds = {}) {
  const Explored all = explore(once, bounds);
  INFO(all.executions << " executions" << (all.complete ? ", all within the bound" : ""));
  CHECK(all.failure == "");
  if (all.executions > 1) CHECK(outcomes.seen == outcomes.allowed);
}

}  // namespace tailrace::interleave
