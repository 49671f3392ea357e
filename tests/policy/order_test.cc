#include "tailrace/policy/order.h"

#include <catch2/catch.hpp>
#include <limits>

namespace policy = tailrace::policy;
using tailrace::never;
using tailrace::TimePoint;
using namespace std::chrono_literals;

TEST_CASE("order: a class is worth the ageing") {
  const TimePoint now(1h);
  CHECK(policy::rank(0, never, now, 1s) == std::int64_t{3601} * 1'000'000'000);
  CHECK(policy::rank(2, never, now, 1s) == policy::rank(0, never, now - 2s, 1s));
  CHECK(policy::rank(-1, never, now, 1s) == policy::rank(0, never, now + 1s, 1s));
  CHECK(policy::rank(1, now + 20ms, now, 1s) == policy::rank(0, now + 20ms, now, 1s) - 1'000'000'000);
}

TEST_CASE("order: deadlines count up to the ageing") {
  const TimePoint now(1h);
  CHECK(policy::rank(0, now + 20ms, now, 1s) < policy::rank(0, now + 30ms, now, 1s));
  CHECK(policy::rank(0, now + 2s, now, 1s) == policy::rank(0, never, now, 1s));
  CHECK(policy::rank(0, now - 2s, now, 1s) == policy::rank(0, now, now, 1s));
  CHECK(policy::rank(0, TimePoint::min(), now, 1s) == policy::rank(0, now, now, 1s));
}

TEST_CASE("order: without ageing who came first goes first") {
  const TimePoint now(1h);
  CHECK(policy::rank(7, now + 1ms, now, 0s) == policy::rank(-7, never, now, 0s));
  CHECK(policy::before({5, 1}, {5, 2}));
  CHECK_FALSE(policy::before({5, 2}, {5, 1}));
  CHECK(policy::before({4, 2}, {5, 1}));
}

TEST_CASE("order: no priority is too large") {
  constexpr int most = std::numeric_limits<int>::max(), least = std::numeric_limits<int>::min();
  const TimePoint last(36 * 365 * 24h);
  for (const auto ageing : {tailrace::Duration(1), tailrace::Duration(1s), policy::most_ageing}) {
    for (const TimePoint now : {TimePoint{}, last}) {
      CHECK(policy::rank(most, now, now, ageing) < policy::rank(1, now, now, ageing));
      CHECK(policy::rank(least, now, now, ageing) > policy::rank(-1, now, now, ageing));
    }
  }
  CHECK(policy::rank(1281023, never, last, policy::most_ageing) <
        policy::rank(1281022, never, last, policy::most_ageing));
  CHECK(policy::rank(most, never, last, policy::most_ageing) ==
        policy::rank(1281023, never, last, policy::most_ageing));
}
