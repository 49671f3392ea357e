#include "support/requests.h"

#include <algorithm>
#include <thread>

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

double nanoseconds(Clock::duration d) { return std::chrono::duration<double, std::nano>(d).count(); }

double median_request(const Requests& arm, int count, std::chrono::nanoseconds gap) {
  std::vector<double> times;
  std::uint32_t x = 5;
  for (int i = 0; i < count; ++i) {
    if (gap.count()) std::this_thread::sleep_for(gap);
    const auto begin = Clock::now();
    x = arm.answer(x);
    times.push_back(nanoseconds(Clock::now() - begin));
  }
  return stats(std::move(times)).median;
}

double spin_seconds(long steps) {
  const auto begin = Clock::now();
  volatile std::uint32_t answer = Spin{steps}(5);
  static_cast<void>(answer);
  return nanoseconds(Clock::now() - begin) * 1e-9;
}

}  // namespace

void check_answers(const std::vector<Requests>& arms) {
  for (std::uint32_t x : {0u, 5u, 12345u}) {
    const auto expected = arms[0].answer(x);
    for (const auto& arm : arms)
      if (const auto got = arm.answer(x); got != expected)
        throw WrongAnswer{arm.name + " answered " + std::to_string(got) + " where " + arms[0].name + " answered " +
                          std::to_string(expected)};
  }
}

Comparison time_requests(const std::vector<Requests>& arms, int per_round, std::chrono::nanoseconds gap,
                         const Options& options) {
  return take_turns(
      arms.size(), [&](std::size_t i) { return median_request(arms[i], per_round, gap); }, options);
}

long steps_for(std::chrono::nanoseconds time) {
  static const double of_one = [] {
    double least = 1;
    for (int i = 0; i < 50; ++i) least = std::min(least, spin_seconds(100000) / 100000);
    return least * 1e9;
  }();
  return std::max(1L, static_cast<long>(static_cast<double>(time.count()) / of_one));
}

double two_core_scaling() {
  constexpr long steps = 10'000'000;
  double alone = 1e9, together = 1e9;
  for (int i = 0; i < 5; ++i) {
    alone = std::min(alone, spin_seconds(steps));
    const auto begin = Clock::now();
    std::thread other([] { spin_seconds(steps); });
    spin_seconds(steps);
    other.join();
    together = std::min(together, nanoseconds(Clock::now() - begin) * 1e-9);
  }
  return 2 * alone / together;
}

std::string in_words(std::chrono::nanoseconds time) {
  const auto ns = time.count();
  if (ns < 1000) return std::to_string(ns) + " ns";
  if (ns < 1'000'000) return std::to_string(ns / 1000) + " us";
  return std::to_string(ns / 1'000'000) + " ms";
}

}  // namespace bench
