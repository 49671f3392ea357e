// place: everything on the CPU.
#include "tailrace/opt/place.h"

#include <catch2/catch.hpp>

#include "opt/flows.h"

namespace tr = tailrace;
using namespace tailrace::test;

TEST_CASE("every stage is placed on the CPU, in arms too, and that is told once") {
  auto plan = plan_for(lines().share());
  const tr::Device gpu{tr::Device::Kind::cuda, 1};
  plan.choices.root.device[1] = gpu;
  plan.choices.root.arms[3][1].device[1] = gpu;
  CHECK(tr::place(plan, {}).empty());
  CHECK(plan.choices.root.device == std::vector<tr::Device>(6));
  CHECK(plan.choices.root.arms[3][1].device == std::vector<tr::Device>(3));
  CHECK(decisions(plan) == "place lines: every stage on cpu\n");
}

TEST_CASE("placing does not touch the graph, nor what runs together") {
  auto plan = plan_for(lines().share());
  const auto before = plan;
  CHECK(tr::place(plan, {}).empty());
  CHECK(plan.graph == before.graph);
  CHECK(plan.choices.root.group == before.choices.root.group);
}
