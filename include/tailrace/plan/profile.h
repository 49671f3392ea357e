#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tailrace/core/problems.h"
#include "tailrace/core/words.h"

namespace tailrace {

// Times of something that was measured many times, in seconds.
struct Times {
  std::uint64_t calls = 0;  // 0: never measured, and nothing else counts
  double min = 0, mean = 0;
  double p50 = 0, p90 = 0, p99 = 0;  // the smallest time that this share of the calls did not exceed
  double spread = 0;  // of the medians of rounds: the distance of their quartiles, as a share of the middle one

  bool known() const noexcept { return calls > 0; }
  // False where rounds differ so much that something else must have disturbed them.
  bool steady() const noexcept { return spread <= 0.25; }
  // What one call is expected to take: the median, which a disturbed call or two do not move.
  double expected() const noexcept { return p50; }
  bool operator==(const Times&) const = default;
};

// What one stage, combinator or arm costs.
struct Cost {
  std::string where;    // its path, as of path_of: "label[1].softmax"; empty for the whole flow
  std::string variant;  // of a model; empty for everything else
  Times time;           // of one call; of a combinator, on the way that a request takes through it
  double bytes = 0;     // of its value, on average: the object itself, and a Tensor's elements
  // Of an arm: how often it is gone through for each time that its combinator is: of a cascade the share of requests
  // that reach the rung, of a choose those that select it, of an each the number of elements. Else 1.
  double share = 1;
  // How often a call that is slow is so because of its input: of the slowest tenth, the share of inputs that are as
  // slow again when they come again, less those that are so by chance, 0 to 1. Below 0: unknown.
  double of_input = -1;
  std::uint64_t failures = 0;  // calls that gave no value; `time` does not count them
  std::string error;           // what the first one said
  bool operator==(const Cost&) const = default;
};

// Where and when costs were measured.
struct Measured {
  std::string machine, date, compiler;  // for people: "AMD EPYC, 2 processors", "2026-11-22", "g++ 12.2"
  unsigned threads = 0;                 // tasks that run at the same time there
  bool operator==(const Measured&) const = default;
};

// What is known of a flow's costs: plain data, measured by tr::measure, kept as JSON, read by passes and people.
//
//   tr::Profile profile = tr::measure(classify, samples).value();
//   auto plan = tr::optimise(classify, {.profile = profile});
struct Profile {
  std::string flow;
  Measured measured;
  Times wake;               // from handing a task over to when a thread that slept has begun it
  Times hand_over;          // what one more block costs a request with a deadline
  std::vector<Cost> costs;  // sorted by `where`, then `variant`; each pair once

  bool empty() const noexcept { return costs.empty() && !wake.known() && !hand_over.known(); }
  // What was measured there; null where nothing was.
  const Cost* find(std::string_view where, std::string_view variant = {}) const noexcept;
  // Puts it in its place, instead of what is known of the same stage and variant.
  void add(Cost cost);
  bool operator==(const Profile&) const = default;
};

// Both together. What both know is taken from `newer` as it is, since quantiles of two runs do not add up. Profiles of
// different machines are refused: their times mean nothing beside each other.
Built<Profile> merge(Profile older, const Profile& newer);

// Profiles as JSON.
//
//   { "profile": "classify",
//     "measured": {"machine": "AMD EPYC, 2 processors", "date": "2026-11-22", "compiler": "g++ 12.2", "threads": 2},
//     "wake": {"calls": 64, "min": 1.1e-05, "mean": 3.1e-05, "p50": 2.9e-05, "p90": 4e-05, "p99": 9e-05, "spread":
//     0.1}, "costs": [
//       {"where": "label[0]", "variant": "tiny", "bytes": 104, "share": 0.4,
//        "time": {"calls": 2000, "min": 6.9e-06, "mean": 7.2e-06, "p50": 7.1e-06, "p90": 7.4e-06, "p99": 9e-06}}]}
//
// Times are seconds. What is 0, empty, a share of 1 or an unknown `of_input` may be left out. Text may come from
// anybody: it is bounded (16 MiB, 8 levels deep, 65536 costs, texts of 16000 bytes) and never crashes the reader. The
// first thing that is wrong is reported; Problem::where is "line:column".
Built<Profile> read_profile(std::string_view text);

// Ends in a newline; read_profile gives an equal profile, but that bytes of an error's text that are not UTF-8 are
// marked. What read_profile would refuse (a time that is no number, two costs of one place) is a problem.
Built<std::string> write_profile(const Profile& profile);

}  // namespace tailrace
