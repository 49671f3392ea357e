#pragma once
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string_view>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/core/outcome.h"
#include "tailrace/core/problems.h"

namespace tailrace::load {

// What became of one request.
struct Sample {
  std::uint64_t number = 0;  // from 0; those of the warm-up come first
  Duration arrival{};        // when it was to be sent, since the start
  Duration latency{};        // from then to its outcome
  Duration lateness{};       // of the generator: from then until it was sent
  Code code = Code::none;    // none: answered with a value
  bool unanswered = false;   // no outcome came; `code` and `latency` say nothing
  Facts facts{};
};

// As CSV, with the columns that docs/events.md describes, which simulations write, too. Those unanswered are left out,
// and so is the lateness.
void write_samples(std::ostream& out, std::span<const Sample> samples);
// Such a text again. Problem::where is "line N".
Built<std::vector<Sample>> read_samples(std::string_view text);

}  // namespace tailrace::load
