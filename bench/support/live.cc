#include "support/live.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "support/measure.h"
#include "tailrace/core/random.h"
#include "tailrace/exec/pool.h"
#include "tailrace/exec/start.h"

namespace bench {
namespace {

using namespace std::chrono_literals;
namespace tr = tailrace;

// Real threads and timers, which count what services take that hold none of them.
class Counting final : public tr::Executor {
 public:
  explicit Counting(std::shared_ptr<tr::Executor> inner) : inner_(std::move(inner)) {}

  tr::TimePoint now() const noexcept override { return inner_->now(); }
  void spawn(tr::Task& task) noexcept override { inner_->spawn(task); }
  void wake_at(tr::TimePoint due, tr::Timer& timer) noexcept override { inner_->wake_at(due, timer); }
  bool cancel(tr::Timer& timer) noexcept override { return inner_->cancel(timer); }
  unsigned concurrency() const noexcept override { return inner_->concurrency(); }
  bool on_worker() const noexcept override { return inner_->on_worker(); }
  void wait(const std::atomic<std::uint32_t>& word, std::uint32_t seen, tr::TimePoint until) noexcept override {
    inner_->wait(word, seen, until);
  }
  void wake(const std::atomic<std::uint32_t>& word) noexcept override { inner_->wake(word); }

  bool occupy(tr::TimePoint due, tr::Work& work) noexcept override {
    if (work.holds_worker) return false;
    work.executor = this;
    work.began = now();
    work.fire = [](tr::Timer& timer) noexcept {
      tr::Work& ended = static_cast<tr::Work&>(timer);
      Counting& counts = *static_cast<Counting*>(ended.executor);
      counts.took_.fetch_add((counts.now() - ended.began).count(), std::memory_order_relaxed);
      ended.over(ended);
    };
    inner_->wake_at(due, work);
    return true;
  }
  double took() const noexcept { return tr::to_seconds(tr::Duration(took_.load(std::memory_order_relaxed))); }

 private:
  const std::shared_ptr<tr::Executor> inner_;
  std::atomic<tr::Duration::rep> took_{0};
};

}  // namespace

void wait_until(tr::TimePoint t) {
  if (t - tr::Clock::now() > 300us) std::this_thread::sleep_until(t - 200us);
  while (tr::Clock::now() < t) {
  }
}

LiveRun run_live(const tr::Plan<int, int>& plan, const tr::load::Arrivals& arrivals, std::uint64_t requests,
                 std::uint64_t seed) {
  const auto counting = std::make_shared<Counting>(tr::pool_executor(2).value());
  std::vector<tr::Duration> latencies(requests), late(requests);
  std::atomic<std::uint64_t> left{requests}, wrong{0};
  LiveRun run;
  tr::TimePoint begin, last;
  {
    auto engine = tr::start(plan, {.max_in_flight = 4096, .max_losers = 4096, .executor = counting}).value();
    tr::load::ArrivalTimes times(arrivals, seed);
    const std::uint64_t first = tr::seed_of({seed, tr::number_of("requests")});
    begin = last = tr::Clock::now() + 1ms;
    for (std::uint64_t i = 0; i < requests; ++i) {
      const tr::TimePoint at = last = begin + times.next();
      wait_until(at);
      late[i] = tr::Clock::now() - at;
      const auto sent = engine.submit(static_cast<int>(i), {.id = first + i}, [&, at, i](const tr::Outcome<int>& o) {
        latencies[i] = tr::Clock::now() - at;
        if (!o || *o != static_cast<int>(i)) ++wrong;
        if (--left == 0) left.notify_all();
      });
      if (!sent) throw WrongAnswer{"a request was refused: " + std::string(sent.error().what())};
    }
    for (auto open = left.load(); open; open = left.load()) left.wait(open);
    run.duplicates = static_cast<double>(engine.figures().copies) / static_cast<double>(requests);
  }  // losers have ended
  if (wrong) throw WrongAnswer{"a live request failed"};
  run.seconds = tr::to_seconds(last - begin);
  run.busy = counting->took() / run.seconds;
  run.work = counting->took() / static_cast<double>(requests);
  run.latency = tr::sim::summarise(latencies);
  run.late = tr::sim::summarise(late).p50;
  return run;
}

}  // namespace bench
