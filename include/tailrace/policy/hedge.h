#pragma once
#include <cstdint>

#include "tailrace/core/clock.h"
#include "tailrace/core/random.h"
#include "tailrace/policy/sketch.h"

namespace tailrace {

// When to start a second copy of a call that is slow. A policy is a pure function over a State that its caller owns:
//
//   HedgeAction decide(const HedgeSnapshot&, TimePoint now, State&) const noexcept;
//   void observe(State&, const HedgeSample&) const noexcept;
//   HedgeBudget budget() const noexcept;                        // where it has one
//
// It has no clock, lock or thread and takes no memory. One State is used by one thread at a time; a policy whose State
// has no members is asked by several, and is told nothing afterwards.

// What a policy is told when it is asked. It is asked when a call begins, and again at every age that it asked for.
struct HedgeSnapshot {
  Duration age{};            // of the call; zero: it begins now
  std::uint32_t busy = 0;    // places that are taken or waited for, this call's own left out when it begins
  std::uint32_t places = 0;  // calls that can run at a time where the copy would; 0: any number
  bool waiting = false;      // the call itself still waits for its turn
  Duration waited{};         // how much of its age it waited for its turn
};

struct HedgeAction {
  enum class Kind : std::uint8_t {
    leave,  // no copy of this call
    start,  // a copy now, if the budget allows it
    wait,   // ask again when the call is `age` old, unless it has answered by then
  };
  Kind kind = Kind::leave;
  Duration age{};
};

// What a policy hears afterwards. Calls that fail say nothing.
struct HedgeSample {
  enum class Kind : std::uint8_t {
    call,     // a call has answered first: it took `took`
    copy,     // its copy has: the copy took `took`, and the call had been running for `age`
    stopped,  // whichever came second ended `took` after it had been told to stop
  };
  Kind kind = Kind::call;
  Duration took{};
  Duration age{};
  bool copied = false;  // call: it had a copy
  Duration waited{};    // of the call's age, how long it waited for its turn
};

// Of n calls in a row at most share * n + burst are copied. The engine keeps to it exactly, whatever policies want.
struct HedgeBudget {
  static constexpr double unlimited = -1;
  double share = 1;
  double burst = unlimited;
};

// ---- published ones

// No copies.
struct NeverHedge {
  struct State {};
  HedgeAction decide(const HedgeSnapshot&, TimePoint, State&) const noexcept { return {}; }
  void observe(State&, const HedgeSample&) const noexcept {}
  HedgeBudget budget() const noexcept { return {0, 0}; }
};

// A copy of every call, at once: a race of two. T = min(X, Y), so that p99 is F^-1(1 - 0.01^(1/2)).
struct RaceAll {
  struct State {};
  HedgeAction decide(const HedgeSnapshot&, TimePoint, State&) const noexcept { return {HedgeAction::Kind::start, {}}; }
  void observe(State&, const HedgeSample&) const noexcept {}
};

// A copy of calls that are `delay` old: P(T > t) = P(X > t) P(Y > t - d) for t > d.
struct FixedHedge {
  Duration delay{};
  struct State {};
  HedgeAction decide(const HedgeSnapshot& seen, TimePoint now, State& state) const noexcept;
  void observe(State&, const HedgeSample&) const noexcept {}
};

// The same with probability `probability`, drawn for each call ("SingleR"): P(T > t) = P(X > t) (1 - q P(Y < t - d)).
struct Reissue {
  Duration delay{};
  double probability = 1;

  struct State {
    explicit State(std::uint64_t seed = 1) noexcept : random(seed) {}
    Random random;
  };
  HedgeAction decide(const HedgeSnapshot& seen, TimePoint now, State& state) const noexcept;
  void observe(State&, const HedgeSample&) const noexcept {}
};

// A copy of calls that are older than a share `quantile` of calls gets, learned as they come. Learns from `least`
// calls first.
struct QuantileHedge {
  double quantile = 0.95;
  std::uint64_t least = 32;

  struct State {
    LatencySketch calls;
    Duration delay{};
    std::uint64_t renew_at = 0;  // calls.count() when it is looked at again
  };
  HedgeAction decide(const HedgeSnapshot& seen, TimePoint now, State& state) const noexcept;
  void observe(State& state, const HedgeSample& sample) const noexcept;
};

// A copy of calls that are `delay` old, if there is an idle place for it then.
struct IdleHedge {
  Duration delay{};
  struct State {};
  HedgeAction decide(const HedgeSnapshot& seen, TimePoint now, State& state) const noexcept;
  void observe(State&, const HedgeSample&) const noexcept {}
};

// ---- ours

// A copy where it makes p99 smaller. From a sketch of what calls take once they have their turn, the load and the
// number of places it forecasts p99 without copies and with copies at some ages (policy/forecast.h), and takes the best
// age, or none where no copy gains enough. Whether losers end when they are told to is learned. When copies win much
// less often than they would if they were drawn apart from their calls, slowness belongs to the input, and only a few
// are tried from then on. Where losers run on and as many calls wait as there are places, no copy is started.
struct AdaptiveHedge {
  double share = 1;  // of calls that may be copied
  double burst = 8;  // copies that an idle time may save up

  static constexpr std::uint64_t least_calls = 64;  // before the first copy

  struct State {
    LatencySketch calls;
    double load = 0;                           // mean share of places taken when calls begin
    double stop = 0;                           // seconds that losers take after they were told; they begin trusted
    double copies = 0, won = 0, expected = 0;  // of late: copies, those that won, and how many should have
    std::uint64_t begun = 0, probes = 0, renew_at = least_calls;
    bool on = false;    // copies are wanted
    Duration delay{};   // since a call has had its turn
    double more = 0;    // what copies at `delay` add to the work, as a share of it
    double chance = 0;  // that a copy at `delay` overtakes its call, were they apart
  };
  HedgeAction decide(const HedgeSnapshot& seen, TimePoint now, State& state) const noexcept;
  void observe(State& state, const HedgeSample& sample) const noexcept;
  HedgeBudget budget() const noexcept { return {share, burst}; }

  // Whether copies are as slow as their calls.
  static bool correlated(const State& state) noexcept;
  // Whether losers end soon after they were told.
  static bool kills(const State& state) noexcept;
};

}  // namespace tailrace
