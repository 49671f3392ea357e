#pragma once
#include <memory>
#include <memory_resource>
#include <vector>

#include "engine/station.h"

// A station whose batches are sized by a policy. It is asked under the station's lock: when somebody joins while a slot
// is free, as a starter runs, and at the time that it asked for. A starter is a task that is spawned where a thread
// must be found for a call in any case, because a slot has become free, or where others are on their way: so a call is
// decided when it begins, and not when it joins the threads' queue. While the policy waits, the station has an alarm, a
// timer on the executor of one of the engines whose requests wait there: of the one that is first in the queue, and of
// another one when that one's have left. So no engine is kept by an alarm that nobody of its own waits for.
namespace tailrace::detail {

struct EngineState;

struct Batching {
  Batching(Station& station, std::shared_ptr<const BatchPolicy> by, const StationSpec& spec,
           std::pmr::memory_resource& memory)
      : policy(std::move(by)),
        state(policy->start({spec.times, spec.max_batch, spec.limit})),
        looked_at(&memory),
        seen(&memory) {
    looked_at.reserve(spec.max_batch);
    seen.reserve(spec.max_batch);
    if (spec.times.known()) took = to_duration(spec.times.seconds(1));
    alarm.station = starter.station = &station;
  }

  const std::shared_ptr<const BatchPolicy> policy;
  const std::unique_ptr<BatchPolicy::State> state;
  // Who is first in the queue, taken out of it while the policy is asked.
  std::pmr::vector<Turn*> looked_at;
  std::pmr::vector<BatchWaiter> seen;
  bool may_wait = true;  // all of these may
  bool shared = false;   // tasks wait for the threads
  TimePoint oldest{};    // arrival among them
  struct Alarm : Timer {
    Station* station = nullptr;
    EngineState* engine = nullptr;  // kept while it is armed, as by a task
  } alarm;
  bool armed = false;  // or firing
  // Begins calls, behind the tasks that are ready.
  struct Starter : Task {
    Station* station = nullptr;
    EngineState* engine = nullptr;  // kept
    const Executor* on = nullptr;   // which runs it
  } starter;
  bool spawned = false;
  TimePoint no_longer_than{};                      // it is waited for
  Duration took = std::chrono::microseconds(100);  // what calls take, of late
};

// Of whatever a policy says, a request waits no longer than this while a slot is free.
inline constexpr Duration longest_wait_for_others = std::chrono::seconds(1);

// Lets calls begin and refuses requests as was decided. REQUIRES: the station's lock is not held
void carry_out(const Station::Decided& decided) noexcept;

}  // namespace tailrace::detail
