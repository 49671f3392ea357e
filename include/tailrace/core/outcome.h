#pragma once
#include <cstdint>

#include "tailrace/core/clock.h"
#include "tailrace/core/result.h"

namespace tailrace {

// Where the time of a request went, of one that asked for it (Request::timing); zeros otherwise. What happens at the
// same time adds up, and what is still going on when the answer comes counts until then.
struct Timing {
  Duration latency{};  // from its admission to its answer
  Duration queued{};   // waiting for a thread of the executor, or for its turn at a stage
  Duration ran{};      // threads running its stages
  Duration awaited{};  // waiting for the Completions of asynchronous stages
};

// What happened on the way to an answer.
struct Facts {
  std::int16_t rung = -1;    // rung that answered in the last cascade (or staged) on the answer's path; -1: neither
  std::int16_t winner = -1;  // arm that won the last race, quorum or hedge on the answer's path; -1: neither
  bool anytime = false;      // the deadline cut a cascade short and its best answer so far was used
  bool fallback = false;     // a cascade's last rung failed and an earlier answer was used
  bool late = false;         // answered after the deadline, because the caller's own thread was running a stage
  bool hedged = false;       // a hedge on the answer's path started its second call
};

// The one outcome of a request: a Result with the facts beside it.
//
//   tr::Outcome<Label> label = engine.run(image, {.within = 5ms});
//   if (label) std::cout << *label << " by rung " << label.rung;
template <class T>
class [[nodiscard]] Outcome : public Result<T>, public Facts {
 public:
  Outcome(Result<T> result, Facts facts = {}) noexcept(std::is_nothrow_move_constructible_v<T>)
      : Result<T>(std::move(result)), Facts(facts) {}

  Timing timing{};
};

}  // namespace tailrace
