#include "streams/scenario.h"
#include "tailrace/exec/start.h"
#include "tailrace/sim/virtual_time.h"

namespace streams {

Fate simulated(const Arm& arm, double load, std::uint64_t frames) {
  const auto time = tr::sim::virtual_time({.workers = 2}).value();
  auto engine = tr::start(plan(), {.max_in_flight = arm.in_flight(), .max_losers = 4096, .executor = time}).value();
  std::vector<Answer> answers;
  tr::load::ArrivalTimes times(arrivals(load), seed);
  const tr::TimePoint begin = time->now();
  tr::TimePoint due = begin;
  for (std::uint64_t n = 0; n < frames; ++n) {
    due = begin + times.next();
    time->run_for(due - time->now());
    const auto note = [&, n, due](const tr::Outcome<int>& o) {
      answers.push_back({n, due, time->now(), o ? tr::Code::none : o.error().code()});
    };
    if (const auto sent = engine.submit(static_cast<int>(n), request_of(arm, n, due), note); !sent)
      answers.push_back({n, due, time->now(), sent.error().code()});
  }
  const double seconds = tr::to_seconds(due - begin);
  time->run_until_idle();
  return fate_of(answers, frames, seconds);
}

}  // namespace streams
