#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "tailrace/core/observer.h"
#include "tailrace/sim/report.h"

namespace tailrace::report {

// What a stage's calls took. Times are seconds.
struct StageTime {
  std::string where;
  std::uint64_t calls = 0;
  double running = 0;  // of all calls together
  double queued = 0;   // waiting for a turn at it, all together
  std::uint64_t failures = 0;
};
// What became of a hedge's second calls.
struct HedgeCount {
  std::string where;
  std::uint64_t fired = 0, won = 0, wasted = 0, refused = 0;
};
// How often each rung of a cascade (stage of a staged) answered, or each arm of a race, quorum or hedge won.
struct LeftAt {
  std::string where;
  std::vector<std::uint64_t> arms;
};

// Adds up what an engine does, for a page. Any thread may read while it runs.
class Tally final : public Observer {
 public:
  // Stages are told of one by one, for a look at the clock each; without, only hedges and exits are counted.
  explicit Tally(Detail detail = Detail::stages) : detail_(detail) {}

  void on_event(const Event& event) noexcept override;
  Detail detail() const noexcept override { return detail_; }

  std::uint64_t requests() const;  // that have begun; 0 where stages are not told of
  // By path. Throw std::bad_alloc.
  std::vector<StageTime> stages() const;
  std::vector<HedgeCount> hedges() const;
  std::vector<LeftAt> left() const;

 private:
  void count(const Event& event);
  template <class T>
  using ByPath = std::map<std::string, T, std::less<>>;

  const Detail detail_;
  mutable std::mutex mutex_;
  std::uint64_t requests_ = 0;
  ByPath<StageTime> stages_;
  ByPath<HedgeCount> hedges_;
  ByPath<LeftAt> left_;
};

// The same of a simulation, from its means over time: waits by Little's law, L = lambda W.
std::vector<StageTime> stage_times(const sim::Report& report);

}  // namespace tailrace::report
