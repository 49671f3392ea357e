// exit: how long before the deadline cascades and stageds are cut off, by numbers only.
#include "tailrace/opt/exit.h"

#include <catch2/catch.hpp>

#include "opt/flows.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/plan/verify.h"

namespace tr = tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

tr::Flow<int, int> two_behind(std::optional<tr::Duration> by_hand = {}) {
  return tr::flow<int>("f", [&](tr::Stream<int> x) {
    const auto rung = tr::exit_if(next, odd);
    auto k = by_hand ? tr::cascade("k", x, tr::reserve(*by_hand), rung, next) : tr::cascade("k", x, rung, next);
    return k.then("a", next).then("b", next);
  });
}
tr::PlanData decided(const tr::Flow<int, int>& flow, const tr::Profile& profile) {
  auto plan = plan_for(flow.share());
  CHECK(tr::exits(plan, {.profile = profile}).empty());
  CHECK(tr::verify(plan).what() == "");
  return plan;
}

}  // namespace

TEST_CASE("a cascade is cut off by what follows it takes, also in a bad call") {
  auto p = profile_of({{"k", 1}, {"b", 2e-3}}, 0, 2);
  auto a = cost_of("a", 1e-3);
  a.time.p99 = 5e-3;
  p.add(a);
  const auto plan = decided(two_behind(), p);
  CHECK(plan.choices.root.reserve == std::vector<tr::Duration>{-1ns, 7ms, -1ns, -1ns});
  const auto& d = plan.choices.decisions.at(0);
  CHECK(d.pass == "exit");
  CHECK(d.where == "k");
  CHECK(d.what == "cut off before a request's deadline by what follows it");
  CHECK(d.expected == Approx(7e-3));
  CHECK(d.source == "profile");
}

TEST_CASE("what is not known cuts nothing off, and is told") {
  const auto plan = decided(two_behind(), profile_of({{"k", 1}, {"a", 1}}, 0, 2));
  CHECK(plan.choices.root.reserve == std::vector<tr::Duration>(4, -1ns));
  CHECK(decisions(plan) == "exit k: no cut-off before a request's deadline\n");
  CHECK(plan.choices.decisions.at(0).why == "nothing is known of what b takes");
  CHECK(decisions(decided(two_behind(), {})).empty());
}

TEST_CASE("what the flow says stays") {
  const auto plan = decided(two_behind(2ms), profile_of({{"k", 1}, {"a", 1}, {"b", 1}}, 0, 2));
  CHECK(plan.choices.root.reserve == std::vector<tr::Duration>(4, -1ns));
  CHECK(decisions(plan) == "exit k: cut off 2 ms before a request's deadline\n");
}

TEST_CASE("a cascade that nothing follows is cut off at the deadline itself") {
  const auto last = tr::flow<int>(
      "f", [](tr::Stream<int> x) { return tr::cascade("k", x.then("a", next), tr::exit_if(next, odd), next); });
  const auto plan = decided(last, profile_of({{"k", 1}, {"a", 1}}, 0, 2));
  CHECK(plan.choices.root.reserve == std::vector<tr::Duration>(3, -1ns));
  CHECK(decisions(plan).empty());
}

TEST_CASE("a staged is cut off where a stage may go on with an answer") {
  using Step = tr::AnytimeExit<int, int>;
  const auto guess = [](int x) { return Step::go_on(x, x); };
  const auto plain = [](int x) { return tr::Exit<int, int>::go_on(x); };
  const auto of = [](auto first) {
    return tr::flow<int>("f", [&](tr::Stream<int> x) { return tr::staged("s", x, first, next).then("a", next); });
  };
  const auto p = profile_of({{"s", 1}, {"a", 3e-3}}, 0, 2);
  const auto plan = decided(of(guess), p);
  CHECK(plan.choices.root.reserve == std::vector<tr::Duration>{-1ns, 3ms, -1ns});
  CHECK(decisions(plan) == "exit s: cut off before a request's deadline by what follows it\n");
  CHECK(decisions(decided(of(plain), p)).empty());
}
