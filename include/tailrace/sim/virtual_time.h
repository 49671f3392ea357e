#pragma once
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "tailrace/core/problems.h"
#include "tailrace/engine/executor.h"

namespace tailrace::sim {

// An executor on a clock of its own: the same engine, programs and answers as live, in no time. Nothing runs by itself.
// Where somebody waits (Handle::get, run) or says run_until, ready tasks run one after another, on the calling thread,
// and take no time; when none is left the clock jumps to the next timer. One thread gives the same order of tasks and
// timers, and the same times, every time and with every compiler.
//
//   auto time = tr::sim::virtual_time({.workers = 4}).value();
//   auto engine = tr::start(plan, {.executor = time}).value();
//   auto handle = engine.submit(image, {.within = 5ms});
//   time->run_for(1s);  // at once
//
// What takes time is a timer: a simulated stage (sim/service.h) that holds a worker until then, so that tasks wait
// while all workers are held, as they do live; or an asynchronous stage that hands its answer to call_after. Other
// threads may spawn, wake and wait as with any executor, but then their order counts too. Waiting without a limit while
// nothing is armed waits for another thread, as it does live.
class VirtualTime : public Executor {
 public:
  // A stage that took simulated time, by its path.
  struct StageUse {
    std::string where;
    std::uint64_t calls = 0;    // begun so far
    std::uint32_t running = 0;  // of them under way now
    bool holds_worker = true;
    Duration wasted{};  // what calls took of which, when they ended, nobody wanted the answer any more
  };
  struct Occupancy {
    std::uint32_t held = 0;            // workers that stages hold
    std::uint32_t waiting = 0;         // tasks that wait for a worker
    std::span<const StageUse> stages;  // valid until another stage takes time for the first time
  };
  // REQUIRES: no other thread uses this executor at the moment.
  virtual Occupancy occupancy() const noexcept = 0;

  // Runs what is ready now, or else lets the clock jump to the next timer; false: nothing is ready or armed, or another
  // thread is at it.
  virtual bool step() = 0;
  // Runs all that is ready now, and then lets the clock jump to the next timer. False: none is armed, or another thread
  // is at it.
  virtual bool run_to_next() = 0;
  // Runs everything that is due until `time`, at its time, and leaves the clock there.
  virtual Ticked run_until(TimePoint time) noexcept = 0;
  // Until nothing is ready or armed; the clock stays at the last timer.
  virtual Ticked run_until_idle() noexcept = 0;
  Ticked run_for(Duration duration) noexcept { return run_until(now() + duration); }
  // The same, so that a host's loop with Engine::tick runs as it does live.
  Ticked tick(Duration budget) noexcept override { return run_for(budget); }

  // The clock jumps ahead, as on a machine that was suspended: what was due meanwhile is late. Also inside a task.
  virtual void suspend(Duration duration) noexcept = 0;

  // Calls `f`, as a task, that much later. What is still to come when this is destroyed is dropped.
  // Throws std::bad_alloc, and `f` must not throw.
  virtual void call_after(Duration duration, std::function<void()> f) = 0;
  // For callables that cannot be copied.
  template <std::invocable F>
  requires(!std::copy_constructible<F>) void call_after(Duration duration, F f) {
    call_after(duration, [box = std::make_shared<F>(std::move(f))] { (*box)(); });
  }
};

struct VirtualTimeOptions {
  unsigned workers = 1;  // what concurrency() says: how many stages and elements of an `each` are under way at a time
  TimePoint start{};     // what the clock shows at first
};
// Errors: bad_value for no workers, out_of_memory.
Built<std::shared_ptr<VirtualTime>> virtual_time(const VirtualTimeOptions& options = {});

}  // namespace tailrace::sim
