#pragma once
#include <cstdint>
#include <string_view>

#include "tailrace/core/clock.h"
#include "tailrace/core/error.h"

namespace tailrace {

// Something that happened to a request. Names point into the plan and live as long as the engine.
struct Event {
  enum class Kind : std::uint8_t {
    refused,          // at admission; `code` says why
    begun,            // admitted
    answered,         // `code` is none for a value
    stage_failed,     // also where a race or a cascade goes on without it
    arm_won,          // a race's or quorum's winner: `arm`
    hedge_fired,      // a hedge started its second call
    hedge_won,        // and that one answered first
    hedge_wasted,     // and the first call did
    hedge_refused,    // a second call was wanted, and the budget had none left
    rung_left,        // a cascade was left at rung `arm`, a staged at stage `arm`
    late,             // an answer that came after its deadline because its thread was running a stage
    callback_failed,  // a user's callback threw
    waited,           // for its turn at a stage with a queue, from `began` on
    stage_ran,        // on this thread, from `began` on; `code` is cancelled where nobody wants its value any more
    batched,          // the same of a batch stage, for `arm` rows, as a call of `padded`
    completed,        // an asynchronous stage was, or a batch's row has its value; its call began at `began`
  };
  Kind kind;
  Code code = Code::none;
  std::uint32_t arm = 0;
  std::string_view where;     // a stage's or combinator's name; empty for the request itself
  std::string_view what;      // a bounded text, valid during the call
  std::uint64_t request = 0;  // Request::id; where that is 0 and the observer asks for stages, a number of its own
  TimePoint at{};             // when it happened, by the executor's clock
  // Only for those who ask for stages: when what took a while began; of answers and late ones, when the request was
  // admitted.
  TimePoint began{};
  std::uint32_t padded = 0;  // of batched: as how many rows the call ran, at least `arm`
};

// Sees what happens inside an engine. None is installed by default, and then nothing is spent on events.
// `on_event` is called from any thread, possibly from several at once; it must not block or throw.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_event(const Event& event) noexcept = 0;

  // How much it wants to see, asked when an engine starts. `stages` adds begun, waited, stage_ran, batched and
  // completed: of fused stages too, one by one, each for one more look at the clock.
  enum class Detail : std::uint8_t { outcomes, stages };
  virtual Detail detail() const noexcept { return Detail::outcomes; }
};

}  // namespace tailrace
