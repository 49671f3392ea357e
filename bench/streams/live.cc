#include <algorithm>
#include <atomic>

#include "streams/scenario.h"
#include "tailrace/exec/start.h"
#include "tailrace/load/driver.h"

namespace streams {

Fate live(const Arm& arm, double load, std::uint64_t frames) {
  std::vector<Answer> answers(frames);  // each takes the next place
  std::atomic<std::uint64_t> next{0};
  const auto note = [&](std::uint64_t n, tr::TimePoint due, tr::Code code) {
    const auto place = next.fetch_add(1, std::memory_order_relaxed);
    if (place < frames) answers[place] = {n, due, tr::Clock::now(), code};
  };
  auto engine = tr::start(plan(), {.threads = 2, .max_in_flight = arm.in_flight(), .max_losers = 4096}).value();
  const auto send = [&](tr::load::Done done) {
    const std::uint64_t n = done.number();
    const tr::TimePoint due = done.intended();
    const auto status =
        engine.submit(static_cast<int>(n), request_of(arm, n, due), [&, n, due, done](const tr::Outcome<int>& o) {
          note(n, due, o ? tr::Code::none : o.error().code());
          done(o);
        });
    if (status) return;
    note(n, due, status.error().code());
    done(status.error().code());
  };
  const auto report = tr::load::drive(arrivals(load), send, {.seed = seed, .requests = frames}).value();
  if (report.unanswered > 0) throw bench::WrongAnswer{"a frame has no outcome"};
  double seconds = 0;
  for (const auto& s : report.samples) seconds = std::max(seconds, tr::to_seconds(s.arrival));
  if (next != frames) throw bench::WrongAnswer{"a frame has no outcome, or two"};
  return fate_of(answers, frames, seconds);
}

}  // namespace streams
