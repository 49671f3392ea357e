#include "batching_live/live.h"

#include <algorithm>

#include "tailrace/exec/start.h"
#include "tailrace/flow/flow.h"
#include "tailrace/load/driver.h"
#include "tailrace/opt/optimise.h"

namespace batching {
namespace {

tr::BatchTimes stretch(tr::BatchTimes times, double factor) {
  for (auto& t : times.times) t.min *= factor, t.p50 *= factor, t.p99 *= factor;
  return times;
}

// Looks at the clock until the call's time has passed: a sleep would end tens of microseconds late.
auto spins(const tr::BatchTimes& times, std::shared_ptr<std::atomic<std::uint64_t>> begun) {
  return [times, begun](tr::Batch<int, int>& batch) {
    const tr::TimePoint due =
        tr::Clock::now() + tr::to_duration(times.seconds(static_cast<std::uint32_t>(batch.padded())));
    begun->fetch_add(1, std::memory_order_release);
    for (std::size_t i = 0; i < batch.size(); ++i) batch.put(i, batch.in(i));
    while (tr::Clock::now() < due) {
    }
  };
}

}  // namespace

std::vector<Subject> stretched(double one) {
  std::vector<Subject> all;
  for (const Model& model : models()) {
    const tr::BatchTimes times = stretch(model.times, one / model.one());
    const auto begun = std::make_shared<std::atomic<std::uint64_t>>(0);
    const auto plan = [times, begun](const tr::PolicyUse& policy, unsigned max_batch) {
      const auto flow = tr::flow<int>("serve", [&](tr::Stream<int> x) {
        return x.then("model",
                      tr::stage(spins(times, begun), {.max_batch = max_batch, .batch = policy, .times = times}));
      });
      return tr::optimise(flow).value();
    };
    all.push_back({{model.name, times}, plan, begun});
  }
  return all;
}

Ran run(const tr::Plan<int, int>& plan, bool shed, const tr::load::Arrivals& arrivals, double rate, double goal,
        double seconds, std::uint64_t seed) {
  auto engine = tr::start(plan, {.threads = 1, .max_in_flight = 4096, .shed = shed}).value();
  tr::load::DriveOptions how;
  how.seed = seed;
  how.requests = static_cast<std::uint64_t>(std::max(200., rate * seconds));
  how.warm_up = how.requests / 10;
  how.goal = tr::to_duration(goal);
  tr::Request request;
  request.within = how.goal;
  const auto report = tr::load::drive(arrivals,
                                      tr::load::into(
                                          engine, [](std::uint64_t n) { return static_cast<int>(n); }, request),
                                      how)
                          .value();
  if (report.unanswered) throw bench::WrongAnswer{"a request has no outcome"};
  return {static_cast<double>(report.good) / static_cast<double>(report.requests),
          tr::to_seconds(report.latency.at(.99)), tr::to_seconds(report.lateness.at(.99))};
}

}  // namespace batching
