#include "tailrace/policy/exit.h"

#include <catch2/catch.hpp>
#include <random>

namespace policy = tailrace::policy;
using policy::RungTime;
using tailrace::Duration;
using namespace std::chrono_literals;

namespace {

RungTime seen(Duration took, int times, bool whole = true) {
  RungTime rung;
  for (int i = 0; i < times; ++i) rung = policy::observe(rung, took, whole);
  return rung;
}
bool would_begin(RungTime rung, Duration left) { return policy::begins(rung, left); }

}  // namespace

TEST_CASE("exit: a rung is begun until it is known") {
  CHECK(would_begin({}, -1h));
  CHECK(would_begin(seen(1ms, 7), 0ns));
  CHECK_FALSE(would_begin(seen(1ms, 8), 0ns));
  CHECK_FALSE(would_begin(seen(1ms, 8, false), 0ns));  // one that was always stopped takes at least so long
}

TEST_CASE("exit: a rung is begun where its shortest run fits") {
  const auto rung = policy::observe(seen(10ms, 20), 3ms, true);
  CHECK(would_begin(rung, 3ms));
  CHECK_FALSE(would_begin(rung, 3ms - 1ns));
  CHECK_FALSE(would_begin(rung, -5ms));
}

TEST_CASE("exit: one that was stopped is no short run") {
  const auto rung = policy::observe(seen(10ms, 8), 1ms, false);
  CHECK(rung.least == std::uint32_t(10e6));
  CHECK(policy::observe(rung, 20ms, false).least > rung.least);
}

TEST_CASE("exit: one of 32 is begun all the same") {
  RungTime rung = seen(1ms, 8);
  int begun = 0;
  for (int i = 0; i < 320; ++i) begun += policy::begins(rung, 0ns);
  CHECK(begun == 10);
}

TEST_CASE("exit: the shortest run is slowly forgotten") {
  RungTime rung = seen(1ms, 8);
  int runs = 0;
  while (would_begin(rung, 1900us) && runs < 10000) rung = policy::observe(rung, 2ms, true), ++runs;
  CHECK(runs > 1024);
  CHECK(runs < 4096);
  CHECK(would_begin(policy::observe(rung, 500us, true), 500us));
}

TEST_CASE("exit: what is longer than can be written down still counts as long") {
  CHECK_FALSE(would_begin(seen(1h, 8), 4s));
  CHECK(seen(-1h, 8).least == 0);
}

TEST_CASE("exit: what answers now and then is begun") {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> us(1000, 20000);
  RungTime rung;
  int left_out = 0;
  for (int i = 0; i < 20000; ++i) {
    left_out += !would_begin(rung, 4ms);
    rung = policy::observe(rung, std::chrono::microseconds(us(random)), true);
  }
  CHECK(left_out < 20);
}
