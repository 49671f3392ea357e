#include "tailrace/policy/batch_plan.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <rapidcheck/catch.h>

namespace tailrace {
namespace {

BatchTimes table(const std::vector<std::pair<std::uint32_t, double>>& seconds) {
  BatchTimes times;
  for (const auto& [rows, s] : seconds) times.times.push_back({rows, 100, s, s, s});
  return times;
}

// The least time by trying every first call, without memory.
double least(const BatchTimes& times, std::uint32_t most, std::uint32_t n) {
  if (n == 0) return 0;
  double best = 1e9;
  for (std::uint32_t run = 1; run <= most; ++run)
    best = std::min(best, times.seconds(run) + least(times, most, n - std::min(n, run)));
  return best;
}

TEST_CASE("three rows run as four where four are quicker") {
  const BatchPlan plan(table({{1, 20}, {2, 30}, {3, 41}, {4, 30}, {5, 60}, {8, 70}}), 8);
  CHECK(plan.padded(3) == 4);
  CHECK(plan.run(3) == 30);
  CHECK(plan.padded(2) == 2);  // as quick as 4: no reason to
  CHECK(plan.padded(1) == 1);
  CHECK(plan.first(3) == 3);
}

TEST_CASE("eight rows are split where two fours are quicker") {
  const BatchPlan plan(table({{1, 20}, {2, 25}, {4, 30}, {8, 70}}), 8);
  CHECK(plan.first(8) == 4);
  CHECK(plan.total(8) == 60);
  CHECK(plan.best() == 4);
  CHECK(plan.first(6) == 6);  // on the line between 4 and 8: 50, and 4 and 2 are 55
  CHECK(plan.total(6) == 50);
}

TEST_CASE("without a gain there are no batches") {
  const BatchPlan plan(table({{1, 10}, {8, 80}}), 8);
  CHECK(plan.first(8) == 1);
  CHECK(plan.best() == 1);
}

TEST_CASE("more rows than a call takes are cut into the best calls") {
  const BatchPlan plan(table({{1, 10}, {4, 16}, {8, 40}}), 8);
  CHECK(plan.first(1000) == 4);
  CHECK(plan.total(1000) == Approx(250 * 16));
}

TEST_CASE("a table is found anew without memory") {
  BatchPlan plan(4);
  CHECK_FALSE(plan.known());
  plan.renew([](std::uint32_t n) { return n == 2 ? 5. : 4. * n; });
  CHECK(plan.known());
  CHECK(plan.first(4) == 2);
  plan.renew([](std::uint32_t n) { return 4. + n; });
  CHECK(plan.first(4) == 4);
}

TEST_CASE("no way to cut rows into calls takes less time than the plan's") {
  rc::check([] {
    const auto most = *rc::gen::inRange<std::uint32_t>(1, 7);
    BatchTimes times;
    for (std::uint32_t n = 1; n <= most; ++n) {
      const double s = *rc::gen::inRange(1, 50);
      times.times.push_back({n, 10, s, s, s});
    }
    const BatchPlan plan(times, most);
    const auto n = *rc::gen::inRange<std::uint32_t>(1, 2 * most + 1);
    RC_ASSERT(std::abs(plan.total(n) - least(times, most, n)) < 1e-9);
    // and following it takes that long
    double sum = 0;
    for (std::uint32_t left = n; left > 0; left -= plan.first(left)) sum += plan.run(plan.first(left));
    RC_ASSERT(std::abs(sum - plan.total(n)) < 1e-9);
  });
}

}  // namespace
}  // namespace tailrace
