#include "support/live.h"

#include <atomic>

#include "support/measure.h"
#include "tailrace/exec/pool.h"
#include "tailrace/exec/start.h"
#include "tailrace/load/driver.h"

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

LiveRun run_live(const tr::Plan<int, int>& plan, const tr::load::Arrivals& arrivals, std::uint64_t requests,
                 std::uint64_t seed) {
  const auto counting = std::make_shared<Counting>(tr::pool_executor(2).value());
  std::atomic<std::uint64_t> wrong{0};
  LiveRun run;
  std::vector<tr::Duration> latencies, late;
  {
    auto engine = tr::start(plan, {.max_in_flight = 4096, .max_losers = 4096, .executor = counting}).value();
    const auto submit = [&](tr::load::Done done) {
      const int number = static_cast<int>(done.number());
      const auto sent =
          engine.submit(int{number}, {.id = done.id()}, [&wrong, number, done](const tr::Outcome<int>& o) {
            if (o && *o != number) ++wrong;
            done(o);
          });
      if (!sent) done(sent.error().code());
    };
    tr::load::DriveOptions how;
    how.seed = seed;
    how.requests = requests;
    how.patience = 60s;
    how.spin = 200us;
    const auto report = tr::load::drive(arrivals, submit, how).value();
    for (const auto& [code, n] : report.outcomes)
      if (code != tr::Code::none) throw WrongAnswer{std::to_string(n) + " requests: " + std::string(tr::name(code))};
    if (report.unanswered || wrong) throw WrongAnswer{"a live request has no answer, or another one's"};
    for (const auto& s : report.samples) latencies.push_back(s.latency), late.push_back(s.lateness);
    run.seconds = tr::to_seconds(report.samples.back().arrival);
    run.duplicates = static_cast<double>(engine.figures().copies) / static_cast<double>(requests);
  }  // losers have ended
  run.busy = counting->took() / run.seconds;
  run.work = counting->took() / static_cast<double>(requests);
  run.latency = tr::sim::summarise(latencies);
  run.late = tr::sim::summarise(late).p50;
  return run;
}

}  // namespace bench
