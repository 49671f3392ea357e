#include "engine/timing.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using tailrace::Duration;
using tailrace::detail::TimeSum;

TEST_CASE("a sum of times counts what has ended, and what goes on until the reading") {
  TimeSum sum;
  CHECK(sum.until(1h) == 0ns);
  sum.begin(10ns);
  CHECK(sum.until(10ns) == 0ns);
  CHECK(sum.until(15ns) == 5ns);
  sum.begin(20ns);
  CHECK(sum.until(30ns) == 20ns + 10ns);
  sum.end(40ns);  // which of the two makes no difference
  sum.end(50ns);
  CHECK(sum.until(50ns) == 60ns);
  CHECK(sum.until(10h) == 60ns);
  sum.clear();
  CHECK(sum.until(1h) == 0ns);
}

TEST_CASE("a sum of times takes long times and many at once") {
  TimeSum sum;
  for (int i = 0; i < 4000; ++i) sum.begin(20h);
  CHECK(sum.until(20h + 30s) == 4000 * Duration(30s));
  for (int i = 0; i < 4000; ++i) sum.end(20h + 31s);
  CHECK(sum.until(24h) == 4000 * Duration(31s));
}

TEST_CASE("readings beside other threads are never off") {
  TimeSum sum;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20000; ++i) sum.begin(1s), sum.end(1s + 2ns);
    });
  bool sound = true;
  for (int i = 0; i < 20000; ++i) {
    const Duration now = sum.until(1s + 2ns);
    sound = sound && now >= 0ns && now <= 3 * 20000 * 2ns;
  }
  for (auto& t : threads) t.join();
  CHECK(sound);
  CHECK(sum.until(1h) == 3 * 20000 * 2ns);
}
