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
  };
  Kind kind;
  Code code = Code::none;
  std::uint32_t arm = 0;
  std::string_view where;  // a stage's or combinator's name; empty for the request itself
  std::string_view what;   // a bounded text, valid during the call
};

// Sees what happens inside an engine. None is installed by default, and then nothing is spent on events.
// `on_event` is called from any thread, possibly from several at once; it must not block or throw.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_event(const Event& event) noexcept = 0;
};

}  // namespace tailrace
