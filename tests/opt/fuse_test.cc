// fuse: which stages share a block, and which must not.
#include "tailrace/opt/fuse.h"

#include <catch2/catch.hpp>

#include "opt/flows.h"
#include "tailrace/plan/verify.h"

namespace tr = tailrace;
using namespace tailrace::test;

namespace {

tr::PlanData fused(tr::PlanData plan) {
  CHECK(tr::fuse(plan, {}).empty());
  CHECK(tr::verify(plan).what() == "");
  return plan;
}

}  // namespace

TEST_CASE("straight lines are fused, in arms too, and a combinator stands alone") {
  const auto plan = fused(plan_for(lines().share()));
  CHECK(plan.choices.root.group == std::vector<int>{0, 1, 1, 2, 3, 3});  // input, a b, label, e f
  CHECK(plan.choices.root.arms[3][0].group == std::vector<int>{0, 1});
  CHECK(plan.choices.root.arms[3][1].group == std::vector<int>{0, 1, 1});
  CHECK(decisions(plan) ==
        "fuse a: a + b run as one block\n"
        "fuse e: e + f run as one block\n"
        "fuse label[1].c: c + d run as one block\n");
  CHECK_THAT(plan.choices.decisions[0].why, Catch::Contains("fusing a straight line never does"));
  CHECK(plan.choices.decisions[0].unit.empty());  // nothing was measured, nothing is promised
}

TEST_CASE("joins are part of the line") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) {
    return tr::join_with("sum", add, x.then("a", next), x.then("b", next)).then("c", next);
  });
  CHECK(fused(plan_for(f.share())).choices.root.group == std::vector<int>{0, 1, 1, 1, 1});
}

TEST_CASE("every combinator ends a group") {
  const auto before_and_behind = [](auto combine) {
    const auto f = tr::flow<int>("f", [&](tr::Stream<int> x) { return combine(x.then("a", next)).then("b", next); });
    return fused(plan_for(f.share())).choices.root.group;
  };
  const std::vector<int> apart = {0, 1, 2, 3};
  CHECK(before_and_behind([](tr::Stream<int> x) { return tr::race("r", x, next, next); }) == apart);
  CHECK(before_and_behind([](tr::Stream<int> x) { return tr::cascade("c", x, tr::exit_if(next, odd), next); }) ==
        apart);
  CHECK(before_and_behind([](tr::Stream<int> x) { return tr::choose("w", x, pick, next); }) == apart);
  const auto each = tr::flow<std::vector<int>>("f", [](tr::Stream<std::vector<int>> x) {
    return tr::each("e", x, next).then("b", [](const std::vector<int>& v) { return v.size(); });
  });
  CHECK(fused(plan_for(each.share())).choices.root.group == std::vector<int>{0, 1, 2});
}

TEST_CASE("stages on different devices stay apart") {
  auto plan = plan_for(
      tr::flow<int>("f", [](tr::Stream<int> x) { return x.then("a", next).then("b", next).then("c", next); }).share());
  plan.choices.root.device[3] = {tr::Device::Kind::cuda, 0};
  plan = fused(plan);
  CHECK(plan.choices.root.group == std::vector<int>{0, 1, 1, 2});
  CHECK(decisions(plan) == "fuse a: a + b run as one block\n");
}

TEST_CASE("where there is nothing to fuse nothing is decided") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) { return tr::race("r", x.then("a", next), next, next); });
  CHECK(decisions(fused(plan_for(f.share()))).empty());
  const auto same = tr::flow<int>("same", [](tr::Stream<int> x) { return x; });
  CHECK(fused(plan_for(same.share())).choices.root.group == std::vector<int>{0});
}
