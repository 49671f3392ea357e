#include "tailrace/policy/catalog.h"

#include <catch2/catch.hpp>

using namespace tailrace;
using namespace std::chrono_literals;

namespace {

struct Patient {
  struct State {
    int asked = 0;
  };
  Duration delay{};
  HedgeAction decide(const HedgeSnapshot&, TimePoint, State& state) const noexcept {
    ++state.asked;
    return {HedgeAction::Kind::wait, delay * state.asked};
  }
  void observe(State& state, const HedgeSample&) const noexcept { state.asked = 0; }
};

std::string problems(const PolicyUse& use) {
  const auto policy = PolicyCatalog().hedge(use);
  return policy ? "" : policy.error().what();
}

}  // namespace

TEST_CASE("the library's policies have names") {
  CHECK(PolicyCatalog().hedges() ==
        std::vector<std::string>{"adaptive", "fixed", "idle", "never", "quantile", "race_all", "reissue"});
  for (const auto& name : PolicyCatalog().hedges()) CHECK(problems({name}) == "");
}

TEST_CASE("parameters reach the policy") {
  const auto fixed = PolicyCatalog().hedge({"fixed", {{"delay_ms", 2.5}}}).value();
  const auto state = fixed->start(1);
  CHECK(fixed->decide({}, {}, *state).age == 2500us);
  CHECK(fixed->stateless());
  CHECK(fixed->budget().burst == HedgeBudget::unlimited);
  const auto ours = PolicyCatalog().hedge({"adaptive", {{"share", 0.1}, {"burst", 3}}}).value();
  CHECK(ours->budget().share == 0.1);
  CHECK(ours->budget().burst == 3);
  CHECK_FALSE(ours->stateless());
  CHECK(PolicyCatalog().hedge({"adaptive"}).value()->budget().share == AdaptiveHedge{}.share);
}

TEST_CASE("what is wrong with a name or a parameter is said") {
  CHECK(problems({"adaptiv"}) == "there is no hedging policy 'adaptiv' (did you mean 'adaptive'?)");
  CHECK(problems({""}) == "there is no hedging policy ''");
  CHECK(problems({"fixed", {{"delay", 1}}}) == "the policy 'fixed' has no parameter 'delay'; it takes 'delay_ms'");
  CHECK(problems({"never", {{"share", 1}}}) == "the policy 'never' has no parameter 'share'; it takes none");
  CHECK(
      problems({"reissue", {{"probability", 1.5}, {"dely_ms", 1}}}) ==
      "the policy 'reissue' has no parameter 'dely_ms' (did you mean 'delay_ms'?); it takes 'delay_ms', 'probability'\n"
      "'probability' of the policy 'reissue' must be a number from 0 to 1, got 1.5");
  CHECK(problems({"fixed", {{"delay_ms", "soon"}}}) ==
        "'delay_ms' of the policy 'fixed' must be a number from 0 to 3.6e+06, got 'soon'");
}

TEST_CASE("a policy of one's own has a name and a State") {
  PolicyCatalog mine;
  mine.add_hedge("patient", {{"delay_ms", 20, 0, 1000}}, [](const Parameters& p) {
    return Patient{
        std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(p.number("delay_ms", 0)))};
  });
  const auto policy = mine.hedge({"patient"}).value();
  const auto a = policy->start(1), b = policy->start(1);
  CHECK(policy->decide({}, {}, *a).age == 20ms);
  CHECK(policy->decide({}, {}, *a).age == 40ms);
  CHECK(policy->decide({}, {}, *b).age == 20ms);
  policy->observe(*a, {});
  CHECK(policy->decide({}, {}, *a).age == 20ms);
  CHECK(policy->type() == mine.hedge({"patient", {{"delay_ms", 1}}}).value()->type());
  CHECK(policy->type() != mine.hedge({"never"}).value()->type());
  CHECK_FALSE(PolicyCatalog().hedge({"patient"}));  // another catalog is another one
}
