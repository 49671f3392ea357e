#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <thread>

#include "overload/scenario.h"
#include "support/live.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/flow.h"
#include "tailrace/load/arrivals.h"
#include "tailrace/sim/service.h"

namespace overload {
namespace {

using Clock = std::chrono::steady_clock;

// Seconds from when a request should have been sent; as fate_of wants them.
struct Answers {
  explicit Answers(std::size_t n) : latencies(n), left(n) {}
  std::vector<double> latencies;
  std::atomic<std::size_t> left;
  void note(std::size_t i, double latency) {
    latencies[i] = latency;
    left.fetch_sub(1, std::memory_order_release);
  }
};

double latency_of(tr::Code code, Clock::duration took) {
  if (code == tr::Code::none) return std::chrono::duration<double>(took).count();
  if (code == tr::Code::would_miss || code == tr::Code::overloaded) return -1;
  return std::numeric_limits<double>::infinity();
}

}  // namespace

Fate live(const Arm& arm, const Service& service, Wait wait, double load, std::uint64_t requests) {
  const auto flow = tr::flow<int>("serve", [&](tr::Stream<int> x) {
    auto serve = tr::sim::service<int>(service.time, {.seed = 3, .holds_worker = wait == Wait::thread});
    if (wait == Wait::thread) return x.then("serve", serve);
    return x.then("serve", tr::stage(serve, {.limit = places}));
  });
  auto engine = tr::start(flow, {.threads = places, .max_in_flight = 4096, .shed = arm.shed}).value();
  tr::load::ArrivalTimes arrivals(tr::load::Poisson{load * capacity}, 7);
  std::vector<tr::Duration> due(requests);
  for (auto& d : due) d = arrivals.next();

  Answers answers(requests);
  const auto begin = Clock::now() + 10ms;
  for (std::size_t i = 0; i < requests; ++i) {
    const auto at = begin + due[i];
    bench::wait_until(at);
    tr::Request request{.id = i};
    if (arm.deadline) request.deadline = at + goal;
    const auto note = [&answers, i, at](const tr::Outcome<int>& o) {
      const auto took = Clock::now() - at;
      answers.note(i, latency_of(o ? tr::Code::none : o.error().code(), took));
    };
    if (const auto refused = engine.submit(static_cast<int>(i), request, note); !refused)
      answers.note(i, latency_of(refused.error().code(), {}));
  }
  while (answers.left.load(std::memory_order_acquire) > 0) std::this_thread::sleep_for(1ms);
  const double took = tr::to_seconds(Clock::now() - begin);
  const auto answered = std::count_if(answers.latencies.begin(), answers.latencies.end(),
                                      [](double l) { return l >= 0 && std::isfinite(l); });
  Fate fate = fate_of(std::move(answers.latencies), load, tr::to_seconds(due.back()));
  fate.rate = static_cast<double>(answered) / took;
  return fate;
}

}  // namespace overload
