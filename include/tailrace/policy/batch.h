#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/policy/batch_plan.h"

namespace tailrace {

// How many of those who wait a call takes. A policy is a pure function over a State that its caller owns:
//
//   BatchAction decide(const BatchSnapshot&, TimePoint now, State&) const noexcept;
//   void observe(State&, const BatchSample&) const noexcept;
//
// It has no clock, lock or thread and takes no memory in either. It is asked when somebody joins the queue while a
// replica is free, when a replica becomes free while somebody waits, and at every time that it asked to be. One State
// belongs to one station, and is used by one thread at a time.
//
// A policy that drops by itself who would miss his deadline says so by `static constexpr bool drops = true`. With the
// others the engine refuses who would, as at any other stage.

// Where a State is for; it may be made of this, or of nothing.
struct BatchSetup {
  const BatchTimes& times;     // what is known of calls by their number of rows; may be empty
  std::uint32_t most = 1;      // rows of the largest call
  std::uint32_t replicas = 1;  // calls at a time
};

// One who waits.
struct BatchWaiter {
  TimePoint deadline = never;
  TimePoint arrival{};
  bool may_drop = false;  // it may be refused: nobody else can answer for it, and its engine sheds load
};

// What a policy is told when it is asked.
struct BatchSnapshot {
  std::uint32_t waiting = 0;             // how many wait, at least 1
  std::span<const BatchWaiter> first{};  // those who are served first, in order: all, or `most` of them
  std::uint32_t free = 1;                // replicas that are free, at least 1
  std::uint32_t most = 1;                // rows of the largest call
  bool shared = false;                   // other work waits for the threads that the call would run on
};

struct BatchAction {
  enum class Kind : std::uint8_t {
    run,   // a call for the first `rows` of those who are not dropped, as one of `padded` rows
    wait,  // ask again at `until`, or when somebody comes
    yield  // the work that waits for the threads goes first: ask again behind it. Nobody waits past `until`. As `wait`
           // where none does.
  };
  Kind kind = Kind::run;
  std::uint32_t rows = 1;
  std::uint32_t padded = 0;  // 0: as `rows`
  TimePoint until{};
  // Those in BatchSnapshot::first with an earlier deadline who may be dropped are refused as `would_miss`. Also where
  // the others wait.
  TimePoint drop_before = TimePoint::min();
};

// What a policy hears afterwards.
struct BatchSample {
  std::uint32_t rows = 0;    // that were answered
  std::uint32_t padded = 0;  // that the call ran as
  Duration took{};
};

// ---- published ones

// All who wait, up to the largest call. It never waits for more.
struct GreedyBatch {
  struct State {};
  BatchAction decide(const BatchSnapshot& seen, TimePoint now, State& state) const noexcept;
  void observe(State&, const BatchSample&) const noexcept {}
};

// Waits until `size` rows are there, or one has waited for `delay`: what most model servers are set up with.
struct FixedBatch {
  std::uint32_t size = 32;
  Duration delay{};
  struct State {};
  BatchAction decide(const BatchSnapshot& seen, TimePoint now, State& state) const noexcept;
  void observe(State&, const BatchSample&) const noexcept {}
};

// The largest call grows by one row while calls of that size take less than `goal`, and shrinks by a tenth when one
// takes longer: additive increase, multiplicative decrease, as Clipper sizes batches (Crankshaw et al., NSDI 2017).
struct AimdBatch {
  Duration goal{};
  double shrink = .9;
  struct State {
    double limit = 1;
  };
  BatchAction decide(const BatchSnapshot& seen, TimePoint now, State& state) const noexcept;
  void observe(State& state, const BatchSample& sample) const noexcept;
};

// ---- ours

// Sizes calls by what they take, by the deadlines of those who wait, and by how many come.
//
// It cuts those who wait into the calls that make them, and those who will come meanwhile, wait least (BatchPlan:
// padded up and split where the table says so): few come, and calls are small unless larger ones are much quicker a
// row; many come, and all are to be served in the least time. Where the first call would make somebody miss his
// deadline, among those in it, those left and those who will come while it runs, it takes instead the call that answers
// the most, less those whom it makes late, for each second that it takes. Who misses by that is dropped, and so is who
// would miss even a call of his own. Where more come than any call that fits into half of the time that requests have
// can serve, those who are late in any case do not count. Where all are dropped for what calls took of late, that is
// believed less from one time to the next, until a call is tried again: one slow call does not end all service.
//
// It never keeps a thread waiting to fill a call. But where other work waits for the threads, that goes first, until
// somebody has waited for as long as two of the largest calls take, if such a call takes clearly less time a row.
//
// What calls take beyond what the table says is learned, with its spread; without a table all is: calls take all who
// wait until 32 of them were seen, up to 128 rows. How many come, and what time they have, is learned as well. `margin`
// is how many mean deviations a call is taken to be longer than the mean.
struct TableBatch {
  double margin = 2;
  static constexpr bool drops = true;

  static constexpr std::uint64_t least_calls = 32;
  static constexpr std::uint32_t learned_rows = 128;

  struct State {
    State() : State(BatchSetup{{}, 1, 1}) {}
    explicit State(const BatchSetup& setup);  // throws std::bad_alloc
    BatchPlan plan;                           // of the table; else of what was learned
    bool learns = false;                      // there is no table
    double ratio = 1;                         // what calls take, as a multiple of what the plan says, of late
    double spread = 0;                        // mean deviation of that
    std::uint64_t calls = 0;                  // seen
    std::uint64_t renew_at = least_calls;
    struct Size {
      double seconds = 0;  // of late; 0: not seen
      bool fresh = false;  // seen since the plan was renewed
    };
    std::vector<Size> sizes;      // where it learns: by rows that calls ran as
    double came = 0, within = 0;  // rows that came of late, and in how many seconds
    double budget = 0;            // seconds that a request has when it comes, of those with deadlines; 0: unknown
    std::uint32_t left = 0;       // who waited after the last decision
    TimePoint decided{};          // when that was; zero: never
  };
  BatchAction decide(const BatchSnapshot& seen, TimePoint now, State& state) const noexcept;
  void observe(State& state, const BatchSample& sample) const noexcept;
};

}  // namespace tailrace
