#include <thread>

#include "operators/scenario.h"

namespace operators {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t since_epoch(Clock::time_point t) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count();
}
// Sleeps until shortly before, then looks at the clock.
void wait_until(Clock::time_point t) {
  if (t - Clock::now() > std::chrono::microseconds(300))
    std::this_thread::sleep_until(t - std::chrono::microseconds(200));
  while (Clock::now() < t) {
  }
}

}  // namespace

void Answers::note(std::uint32_t number) {
  at[number].store(since_epoch(Clock::now()), std::memory_order_relaxed);
  if (left.fetch_sub(1, std::memory_order_acq_rel) == 1) left.notify_all();
}

Load run_load(System& system, Answers& answers, const std::vector<std::chrono::nanoseconds>& arrivals) {
  const auto begin = Clock::now() + std::chrono::milliseconds(1);
  std::vector<double> late;
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    wait_until(begin + arrivals[i]);
    late.push_back(std::chrono::duration<double, std::nano>(Clock::now() - begin - arrivals[i]).count());
    system.send(static_cast<std::uint32_t>(i));
  }
  for (auto left = answers.left.load(); left; left = answers.left.load()) answers.left.wait(left);
  Load load;
  for (std::size_t i = 0; i < arrivals.size(); ++i)
    load.latencies.push_back(static_cast<double>(answers.at[i].load() - since_epoch(begin + arrivals[i])));
  load.lateness = bench::stats(std::move(late)).median;
  return load;
}

}  // namespace operators
