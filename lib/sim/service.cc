#include "tailrace/sim/service.h"

#include <thread>
#include <utility>

namespace tailrace::detail {

ServiceTime service_time(sim::Distribution time, const sim::ServiceOptions& options) {
  if (time.problem.empty() && !(options.of_input >= 0 && options.of_input <= 1))
    time.problem = "the share of inputs to which slowness belongs is from 0 to 1";
  return {std::move(time), options};
}

// A copy draws as if it had another path.
Duration ServiceTime::draw(const CallFacts& about) const noexcept {
  if (options.of_input > 0) {
    Random random(seed_of({options.seed, about.request, about.element}));
    if (random.chance(options.of_input)) return time.draw(random);
  }
  Random random(seed_of({options.seed, about.request, number_of(about.where) + about.copy, about.element}));
  return time.draw(random);
}

sim::Faults::Kind ServiceTime::draw_fault(const CallFacts& about) const noexcept {
  Random random(seed_of({options.seed, about.request, number_of(about.where), about.element, number_of("fault")}));
  return options.faults.draw(random);
}

Duration ServiceTime::looks(sim::Faults::Kind fault) const noexcept {
  if (fault == sim::Faults::Kind::stalls) return {};
  if (fault != sim::Faults::Kind::hangs || options.looks_every > Duration{}) return options.looks_every;
  return std::chrono::milliseconds(1);
}

TimePoint now_of(const CallFacts& about) noexcept { return about.executor ? about.executor->now() : Clock::now(); }

bool take_time(const CallFacts& about, TimePoint due, const sim::ServiceOptions& options, Work& work) noexcept {
  work.where = about.where;
  work.holds_worker = options.holds_worker;
  if (about.executor && about.executor->occupy(due, work)) return true;
  if (!about.executor || options.holds_worker) {
    std::this_thread::sleep_until(due);
    return false;
  }
  work.fire = [](Timer& timer) noexcept {
    Work& fired = static_cast<Work&>(timer);
    fired.over(fired);
  };
  about.executor->wake_at(due, work);
  return true;
}

}  // namespace tailrace::detail
