// fuse: which stages share a block, and which must not.
#include "tailrace/opt/fuse.h"

#include <catch2/catch.hpp>
#include <chrono>

#include "opt/flows.h"
#include "tailrace/opt/cost.h"
#include "tailrace/plan/verify.h"

namespace tr = tailrace;
using namespace tailrace::test;

namespace {

tr::PlanData fused(tr::PlanData plan, const tr::OptimiseOptions& options = {}) {
  CHECK(tr::cost(plan, options).empty());
  plan.choices.decisions.clear();
  CHECK(tr::fuse(plan, options).empty());
  CHECK(tr::verify(plan).what() == "");
  return plan;
}

// Stages a, b, c, … one after another.
tr::Flow<int, int> chain(int length) {
  return tr::flow<int>("chain", [&](tr::Stream<int> x) {
    for (int i = 0; i < length; ++i) x = x.then(std::string(1, static_cast<char>('a' + i)), next);
    return x;
  });
}
// All of one cost.
tr::Profile even(int length, double seconds, double hand_over = 30e-9) {
  std::vector<std::pair<std::string, double>> costs;
  for (int i = 0; i < length; ++i) costs.emplace_back(std::string(1, static_cast<char>('a' + i)), seconds);
  return profile_of(costs, 30e-6, 2, hand_over);
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
  CHECK(plan.choices.decisions[0].source.empty());  // nothing was measured, nothing is promised
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

TEST_CASE("with a profile small stages are fused, and large ones left apart, whose hand-over is worth it") {
  const auto groups = [](double seconds) {
    return fused(plan_for(chain(4).share()), {.profile = even(4, seconds)}).choices.root.group;
  };
  CHECK(groups(50e-9) == std::vector<int>{0, 1, 1, 1, 1});
  CHECK(groups(1e-6) == std::vector<int>{0, 1, 1, 1, 1});
  CHECK(groups(15e-6) == std::vector<int>{0, 1, 1, 2, 2});
  CHECK(groups(100e-6) == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("a long stage takes short ones along, since nobody waits longer for that") {
  auto plan =
      fused(plan_for(chain(3).share()), {.profile = profile_of({{"a", 50e-9}, {"b", 2e-3}, {"c", 50e-9}}, 30e-6, 2)});
  CHECK(plan.choices.root.group == std::vector<int>{0, 1, 1, 1});
}

TEST_CASE("what was decided by cost says so, in numbers of the profile") {
  const auto plan =
      fused(plan_for(chain(3).share()), {.profile = profile_of({{"a", 1e-6}, {"b", 2e-6}, {"c", 200e-3}}, 30e-6, 2)});
  REQUIRE(plan.choices.decisions.size() == 2);
  const auto &one = plan.choices.decisions[0], &apart = plan.choices.decisions[1];
  CHECK(one.what == "a + b run as one block");
  CHECK(one.why == "a hand-over between them takes 30 ns, more than it is worth");
  CHECK(one.expected == Approx(3e-6));
  CHECK(one.unit == "s");
  CHECK(one.source == "profile");
  CHECK(apart.where == "c");
  CHECK(apart.why == "a hand-over takes 30 ns; without it, what is urgent would wait 60 us longer");
}

TEST_CASE("stages of unknown cost are fused as without a profile, and the block's cost is unknown") {
  const auto plan = fused(plan_for(chain(2).share()), {.profile = profile_of({{"a", 1e-3}, {"z", 1e-3}}, 30e-6, 2)});
  CHECK(plan.choices.root.group == std::vector<int>{0, 1, 1});
  CHECK(plan.choices.decisions.at(0).expected < 0);
}

TEST_CASE("no block is expected to take longer than max_block") {
  const auto plan =
      fused(plan_for(chain(5).share()), {.profile = even(5, 1e-6), .max_block = std::chrono::nanoseconds(2500)});
  CHECK(plan.choices.root.group == std::vector<int>{0, 1, 1, 2, 2, 3});
  CHECK(decisions(plan) ==
        "fuse a: a + b run as one block\n"
        "fuse c: c begins a block of its own\n"
        "fuse c: c + d run as one block\n"
        "fuse e: e begins a block of its own\n");
  CHECK(plan.choices.decisions[1].why == "no block may take more than 2.5 us, and together they take 3 us");
}

TEST_CASE("with max_block stages of unknown cost stay alone, and one that is too long is told") {
  const tr::OptimiseOptions options{.max_block = std::chrono::microseconds(5)};
  CHECK(fused(plan_for(chain(3).share()), options).choices.root.group == std::vector<int>{0, 1, 2, 3});
  const auto plan = fused(plan_for(chain(2).share()), {.profile = profile_of({{"a", 1e-3}, {"b", 1e-6}}, 30e-6, 2),
                                                       .max_block = std::chrono::microseconds(5)});
  CHECK(decisions(plan) ==
        "fuse a: a takes longer than a block may (5 us)\n"
        "fuse b: b begins a block of its own\n");
  auto negative = plan_for(chain(2).share());
  CHECK(tr::fuse(negative, {.max_block = std::chrono::microseconds(-1)}).what() ==
        "max_block: must not be below zero; zero means no limit");
}

TEST_CASE("no block spans branches that run at the same time") {
  auto plan = plan_for(tr::flow<int>("f", [](tr::Stream<int> x) {
                         auto a = x.then("a", next).then("b", next), c = x.then("c", next).then("d", next);
                         return tr::join_with("sum", add, a, c).then("e", next);
                       }).share());
  plan.choices.root.fork[5] = true;
  plan = fused(plan);
  CHECK(plan.choices.root.group == std::vector<int>{0, 1, 1, 2, 2, 3, 3});
}
