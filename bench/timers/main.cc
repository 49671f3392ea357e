// How late timers fire, and what waiting for them burns.
#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "exec/timer_thread.h"
#include "support/program.h"
#include "tailrace/core/random.h"

namespace timers {
namespace {

using namespace std::chrono_literals;
using bench::Results, bench::text;
namespace tr = tailrace;

// What one would write by hand: a sorted map, and a thread that sleeps until the first is due.
class PlainTimers {
 public:
  ~PlainTimers() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  void wake_at(tr::TimePoint due, tr::Timer& timer) {
    const std::lock_guard lock(mutex_);
    const auto place = armed_.emplace(due, &timer);
    if (place == armed_.begin()) changed_.notify_one();
  }

 private:
  void loop() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (armed_.empty()) {
        changed_.wait(lock);
      } else if (tr::Clock::now() < armed_.begin()->first) {
        changed_.wait_until(lock, tr::TimePoint(armed_.begin()->first));
      } else {
        tr::Timer& due = *armed_.begin()->second;
        armed_.erase(armed_.begin());
        lock.unlock();
        due.fire(due);
        lock.lock();
      }
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<tr::TimePoint, tr::Timer*> armed_;
  bool stopping_ = false;
  std::thread thread_{[this] { loop(); }};
};

using WakeAt = std::function<void(tr::TimePoint, tr::Timer&)>;

struct Round {
  std::vector<double> late;  // microseconds, of every timer
  double burnt = 0;          // processor time of the process, as a share of one core
};

// `rate` timers a second at random times: some are armed ahead, and each that fires arms one more. The times are drawn
// before; a timer that fires late delays no other.
class Load {
 public:
  Load(WakeAt wake_at, double rate, int count) : wake_at_(std::move(wake_at)) {
    tr::Random random(tr::seed_of({7, static_cast<std::uint64_t>(rate)}));
    double at = 0.002;
    for (int i = 0; i < count; ++i)
      due_.push_back(
          std::chrono::duration_cast<tr::Duration>(std::chrono::duration<double>(at += random.exponential() / rate)));
    late_.reserve(due_.size());
  }
  Round run() {
    start_ = tr::Clock::now();
    const double before = processor_seconds();
    for (int i = 0; i < ahead; ++i) {
      Alarm& alarm = alarms_.emplace_back();
      alarm.load = this;
      alarm.fire = [](tr::Timer& t) noexcept { static_cast<Alarm&>(t).load->fired(static_cast<Alarm&>(t)); };
    }
    for (Alarm& alarm : alarms_) arm_next(alarm);
    std::unique_lock lock(mutex_);
    over_.wait(lock, [&] { return late_.size() == due_.size(); });
    const double burnt = processor_seconds() - before;
    return {std::move(late_), burnt / std::chrono::duration<double>(tr::Clock::now() - start_).count()};
  }

 private:
  static constexpr int ahead = 64;
  struct Alarm : tr::Timer {
    Load* load = nullptr;
    tr::TimePoint intended{};
  };
  static double processor_seconds() {
    timespec t{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  }
  void arm_next(Alarm& alarm) {
    tr::TimePoint due;
    {
      const std::lock_guard lock(mutex_);
      if (next_ == due_.size()) return;
      due = alarm.intended = start_ + due_[next_++];
    }
    wake_at_(due, alarm);
  }
  void fired(Alarm& alarm) {
    const auto late = tr::Clock::now() - alarm.intended;
    arm_next(alarm);
    const std::lock_guard lock(mutex_);
    late_.push_back(std::chrono::duration<double, std::micro>(late).count());
    if (late_.size() == due_.size()) over_.notify_one();
  }

  WakeAt wake_at_;
  tr::TimePoint start_{};
  std::vector<tr::Duration> due_;
  std::deque<Alarm> alarms_;
  std::mutex mutex_;
  std::condition_variable over_;
  std::size_t next_ = 0;
  std::vector<double> late_;
};

struct System {
  std::string name;
  std::shared_ptr<tr::detail::TimerThread> ours;  // or
  std::shared_ptr<PlainTimers> plain;
  WakeAt wake_at() const {
    if (ours) return [o = ours](tr::TimePoint due, tr::Timer& t) { o->arm(due, t); };
    return [p = plain](tr::TimePoint due, tr::Timer& t) { p->wake_at(due, t); };
  }
  double spun() const { return ours ? tr::to_seconds(ours->spun()) : 0; }
};
std::vector<System> systems() {
  return {{"an executor's timers", std::make_shared<tr::detail::TimerThread>(), nullptr},
          {"map and condition variable", nullptr, std::make_shared<PlainTimers>()}};
}

void smoke() {
  for (const System& system : systems()) {
    const Round round = Load(system.wake_at(), 20000, 500).run();
    if (round.late.size() != 500) throw bench::WrongAnswer{system.name + " lost timers"};
    if (*std::min_element(round.late.begin(), round.late.end()) < 0)
      throw bench::WrongAnswer{system.name + " fired before the time"};
  }
}

double quantile(const std::vector<double>& sorted, double q) {
  return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1) + .5)];
}

void measure_rate(const bench::Options& options, double rate, Results& r, bench::Table& table) {
  const auto all = systems();
  const double seconds = rate < 100 ? 2 : .5;  // of one round
  const int count = static_cast<int>(rate * seconds);
  std::vector<std::vector<double>> late(all.size());
  std::vector<bench::Series> spun(all.size());
  const bench::Comparison c = bench::take_turns(
      all.size(),
      [&](std::size_t i) {
        const double before = all[i].spun();
        const auto began = tr::Clock::now();
        Round round = Load(all[i].wake_at(), rate, count).run();
        spun[i].push_back((all[i].spun() - before) / tr::to_seconds(tr::Clock::now() - began));
        late[i].insert(late[i].end(), round.late.begin(), round.late.end());
        return round.burnt;
      },
      options);
  const std::string name = text(rate, 0);
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::sort(late[i].begin(), late[i].end());
    std::vector<std::string> row = {name, all[i].name};
    for (const double q : {.5, .9, .99, .999}) row.push_back(text(quantile(late[i], q), 1));
    row.push_back(text(100 * bench::stats(spun[i]).median, 2));
    row.push_back(text(100 * bench::stats(c.arms[i]).median, 2));
    row.push_back(text(c.foreign * 100, 1));
    table.rows.push_back(std::move(row));
  }
  r.figures.push_back({"timers.late_" + name, "how late a timer fires at the median, " + name + " timers a second",
                       quantile(late[0], .5), 50, "us", !c.quiet});
  r.figures.push_back({"timers.spun_" + name, "spinning for timers, " + name + " a second, of one core",
                       100 * bench::stats(spun[0]).median, 2, "%", !c.quiet});
}

void measure(const bench::Options& options, Results& r) {
  bench::Table table{
      "Timers",
      "How late timers at random times fire, over all rounds; spinning, and the processor time of the whole "
      "process, as shares of one core.",
      {"a second", "system", "p50 us", "p90 us", "p99 us", "p99.9 us", "spinning %", "processor %", "others %"},
      {}};
  for (const double rate : {10., 1000., 20000.}) measure_rate(options, rate, r, table);
  r.tables.push_back(std::move(table));
}

}  // namespace
}  // namespace timers

int main(int argc, char** argv) {
  return bench::run_program({"timers", "Timers", timers::smoke, timers::measure}, argc, argv);
}
