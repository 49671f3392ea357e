#include "tailrace/policy/inlining.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

namespace policy = tailrace::policy;
using policy::BlockCost;
using tailrace::Duration;
using namespace std::chrono_literals;

namespace {

BlockCost seen(Duration took, int times) {
  BlockCost cost;
  for (int i = 0; i < times; ++i) cost = policy::observe(cost, took, true);
  return cost;
}

}  // namespace

TEST_CASE("inlining: a block is known from its eighth run on") {
  CHECK_FALSE(policy::may_inline({}, 1h));
  CHECK_FALSE(policy::may_inline(seen(1us, 7), 1h));
  CHECK(policy::may_inline(seen(1us, 8), 1h));
  CHECK(policy::may_inline(seen(1us, 8000), 1h));
  CHECK(policy::may_inline(policy::expected_cost(1us), 1h));
}

TEST_CASE("inlining: the longest run fits the slack twice") {
  const auto cost = policy::expected_cost(1us);
  CHECK(policy::may_inline(cost, 2us));
  CHECK_FALSE(policy::may_inline(cost, 1999ns));
  CHECK_FALSE(policy::may_inline(cost, 0ns));
  CHECK_FALSE(policy::may_inline(cost, -1h));
  CHECK(policy::may_inline(policy::expected_cost(0ns), 0ns));
}

TEST_CASE("inlining: what is longer than can be written down is never inlined") {
  CHECK(policy::may_inline(policy::expected_cost(4s), 8s));
  CHECK_FALSE(policy::may_inline(policy::expected_cost(5s), 24h));
  CHECK_FALSE(policy::may_inline(policy::expected_cost(Duration::max()), Duration::max()));
  CHECK_FALSE(policy::may_inline(seen(24h, 8), Duration::max()));
}

TEST_CASE("inlining: a longer run counts at once, and is forgotten slowly") {
  auto cost = policy::observe(seen(1us, 100), 10ms, true);
  CHECK_FALSE(policy::may_inline(cost, 10ms));
  CHECK(policy::may_inline(cost, 20ms));
  int runs = 0;
  for (; !policy::may_inline(cost, 10ms); ++runs) cost = policy::observe(cost, 1us, true);
  CHECK(runs == 89);  // 128 ln 2
  for (int i = 0; i < 10000; ++i) cost = policy::observe(cost, 1us, true);
  CHECK(cost.most < 1200);
}

TEST_CASE("inlining: a run that was cut short shows a least, and nothing else") {
  auto cost = seen(1ms, 4);
  for (int i = 0; i < 100; ++i) cost = policy::observe(cost, 1us, false);
  CHECK(cost == seen(1ms, 4));
  CHECK(policy::observe(cost, 2ms, false) == BlockCost{4, 2'000'000});
}

TEST_CASE("inlining: a clock that goes back counts as no time") {
  CHECK(policy::observe(seen(0ns, 8), -1s, true) == seen(0ns, 8));
  CHECK(policy::expected_cost(-1s) == policy::expected_cost(0ns));
}

TEST_CASE("inlining: of all runs at most one in 89 is let begin and outruns its slack") {
  const auto seed = GENERATE(1, 2, 3);
  const auto shape = GENERATE(0, 1, 2);
  std::mt19937_64 random(static_cast<unsigned>(seed));
  std::lognormal_distribution<double> lognormal(0, 1.5);
  std::bernoulli_distribution rarely(.005), often(.5);
  const auto draw = [&] {
    if (shape == 0) return Duration(static_cast<Duration::rep>(1000 * lognormal(random)));
    if (shape == 1) return Duration(rarely(random) ? 1'000'000 : 1000);
    return Duration(often(random) ? 10'001 : 0);
  };
  for (const Duration slack : {2us, 10us, 100us}) {
    BlockCost cost;
    int late = 0, inlined = 0;
    const int all = 200'000;
    for (int i = 0; i < all; ++i) {
      const Duration took = draw();
      if (policy::may_inline(cost, slack)) {
        ++inlined;
        late += took > slack;
      }
      cost = policy::observe(cost, took, true);
    }
    INFO(seed << " " << shape << " " << slack.count() << ": " << late << " of " << inlined);
    CHECK(late * 89 <= all + 89);
  }
}
