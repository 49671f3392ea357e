// The cut-off of a cascade at exact times, on a virtual clock.
// checks: cut-off
#include <catch2/catch.hpp>

#include "support/steps.h"
#include "tailrace/exec/start.h"
#include "tailrace/sim/service.h"
#include "tailrace/sim/virtual_time.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

auto takes(Duration time) { return sim::service<int>(sim::constant(time)); }

struct Answer {
  std::string outcome;
  Duration after{};
};

// A cascade of 3 ms, 4 ms and 10 ms with a stage of 2 ms behind it.
Answer asked(std::optional<Duration> reserved, Request request, unsigned workers = 2) {
  const auto time = sim::virtual_time({.workers = workers}).value();
  auto engine = start(from_int([&](Stream<int> s) {
                        const auto a = exit_if(takes(3ms), never_so), b = exit_if(takes(4ms), never_so);
                        const auto c = takes(10ms);
                        return (reserved ? cascade("k", s, reserve(*reserved), a, b, c) : cascade("k", s, a, b, c))
                            .then("t", takes(2ms));
                      }),
                      {.executor = time})
                    .value();
  Answer answer;
  const TimePoint begin = time->now();
  CHECK(engine.submit(1, request, [&](Outcome<int> o) { answer = {show(o), time->now() - begin}; }));
  time->run_until_idle();
  return answer;
}
void check_answer(const Answer& answer, const std::string& outcome, Duration after) {
  CHECK(answer.outcome == outcome);
  CHECK(answer.after == after);
}

}  // namespace

TEST_CASE("cut-off: exact times") {
  check_answer(asked({}, {}), "1 rung 2", 19ms);
  check_answer(asked(3ms, {}), "1 rung 2", 19ms);
  check_answer(asked(3ms, {.within = 22ms}), "1 rung 2", 19ms);          // in time
  check_answer(asked({}, {.within = 12ms}), "deadline_missed", 12ms);    // nothing is reserved
  check_answer(asked(3ms, {.within = 12ms}), "1 rung 1 anytime", 11ms);  // cut off at 9 ms, in the third rung
  check_answer(asked(3ms, {.within = 8ms}), "1 rung 0 anytime", 7ms);    // at 5 ms, in the second one
  check_answer(asked(6ms, {.within = 8ms}), "1 rung 0 anytime", 5ms);    // at 2 ms, where there is no answer yet
  check_answer(asked(9ms, {.within = 8ms}), "1 rung 0 anytime", 5ms);    // before it began
  check_answer(asked(1ms, {.within = 8ms}), "deadline_missed", 8ms);     // at 7 ms: too little was reserved
  check_answer(asked(6ms, {.within = 2ms}), "deadline_missed", 2ms);     // no answer at all
}

// With one worker the rung that is left holds it for as long as it takes.
TEST_CASE("cut-off: what goes on needs a worker") {
  check_answer(asked(9ms, {.within = 16500us}, 1), "deadline_missed", 17ms);  // the call waits for the worker
  check_answer(asked(10ms, {.within = 14ms}, 1), "1 rung 0 anytime", 9ms);
}
