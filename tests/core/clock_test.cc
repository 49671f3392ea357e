#include "tailrace/core/clock.h"

#include <catch2/catch.hpp>

namespace tailrace {
namespace {

using namespace std::chrono_literals;
using Wall = std::chrono::system_clock;

TEST_CASE("a wall-clock time becomes the steady time as far away") {
  for (auto ahead : {-3600s, 0s, 1s, 3600s}) {
    const auto earliest = Clock::now() + ahead;
    const auto deadline = deadline_from(Wall::now() + ahead);
    CHECK(deadline >= earliest - 100ms);
    CHECK(deadline <= Clock::now() + ahead + 100ms);
  }
}

TEST_CASE("wall-clock times at the ends do not overflow") {
  CHECK(deadline_from(Wall::time_point::max()) == never);
  CHECK(deadline_from(Wall::time_point::max() - 1h) == never);
  CHECK(deadline_from(Wall::time_point::min()) < Clock::now() - 24h);
  CHECK(deadline_from(Wall::time_point{}) < Clock::now() - 24h);
}

}  // namespace
}  // namespace tailrace
