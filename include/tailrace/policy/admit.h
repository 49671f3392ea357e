#pragma once
#include <cstdint>

#include "tailrace/core/clock.h"
#include "tailrace/policy/sketch.h"

namespace tailrace {

// Whether a request with a deadline may wait for its turn, or take it. A policy is a pure function over a State that
// its caller owns: no clock, lock or thread, and no memory. One State is used by one thread at a time, and belongs to
// one place where requests get turns: a stage's queue, or an engine's threads.

struct AdmitSnapshot {
  Duration left{};           // until the deadline
  std::uint32_t ahead = 0;   // how many turns end before its own begins; 0: it begins now
  std::uint32_t places = 1;  // turns at a time
  bool contended = false;    // others wait for the turn that it would take
};

enum class Admission : std::uint8_t { admit, refuse };

// What a policy hears afterwards.
struct AdmitSample {
  enum class Kind : std::uint8_t {
    turn,    // a turn took `took`, until the next one could begin
    answer,  // a request had its answer `took` after its turn had begun
    missed,  // it was over without one by then
  };
  Kind kind = Kind::turn;
  Duration took{};
};

// Everybody, in whatever order the queue has: what one who does not look at deadlines does.
struct AdmitAll {
  struct State {};
  Admission decide(const AdmitSnapshot&, State&) const noexcept { return Admission::admit; }
  void observe(State&, const AdmitSample&) const noexcept {}
};

// Refuses who would miss. From what turns took and how long answers took from there on, it knows how long a request
// needs; one that fits into the time that is left with the chance `sure` is always admitted. One that has a smaller
// chance is refused where it would take a turn from somebody else, and one with next to none (below `hopeless`) in any
// case. Of the latter every `probe`th is admitted all the same, so that it notices when what it has learned is no
// longer so; where others wait there is always one that is not refused. Until `least` requests have gone through it
// admits all.
//
// The time to wait is that of `ahead` turns, `places` at a time; their spread and that of what follows are taken to be
// independent, so that their squares add up.
struct AdmitInTime {
  double sure = 0.995;
  double hopeless = 0.01;
  std::uint64_t probe = 32;

  static constexpr std::uint64_t least = 32;
  static constexpr std::uint64_t renewed_every = 32;  // requests

  struct State {
    LatencySketch rest;                // from a turn's begin to the answer
    double turn = 0, turn_spread = 0;  // nanoseconds: mean and variance of turns, of late
    std::uint64_t turns = 0, refusals = 0, renew_at = least;
    Duration needs_little{}, needs_half{}, needs{};  // quantiles of `rest`: `hopeless`, a half, `sure`
  };
  Admission decide(const AdmitSnapshot& seen, State& state) const noexcept;
  void observe(State& state, const AdmitSample& sample) const noexcept;

  // The time within which a request has its answer with the chance `sure`. REQUIRES: `least` requests were seen
  Duration need(const AdmitSnapshot& seen, const State& state) const noexcept;
};

}  // namespace tailrace
