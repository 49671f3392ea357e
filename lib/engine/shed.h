#pragma once
#include "engine/frame.h"

// Requests with a deadline that would miss it are not let in, not let wait and not given a turn, so that others meet
// theirs: load shedding. What is refused is decided by policy/admit; this gathers what it is told. See
// docs/design/0019-admission.md.
namespace tailrace::detail {

// Whether tasks wait for a thread: there are more than can run.
bool tasks_wait(const EngineState& e) noexcept;

// Where it is decided whether a request is worth a turn: where it begins, and at stations that it cannot do without.
// Throws std::bad_alloc. REQUIRES: compile() has made its regions and blocks, not laid out yet
void find_sites(Compiled& program);

// The request is about to meet sites: it notes when it passes them, and they are told of its answer. REQUIRES: nobody
// else can answer it yet, or it is watched
void watch(Frame& f) noexcept;

// Whether a request that has just been let in would wait too long at a station that it must pass; `retry`: how much
// shorter that wait would have to be.
bool is_hopeless(Frame& f, int priority, Duration& retry) noexcept;
// In what time the slowest of the stations that all requests must pass serves one; zero where nothing is known.
Duration time_of_one(EngineState& e) noexcept;
// Whether it may join the queue of the block's station, or take a free place there. REQUIRES: the block has a site, and
// the request a deadline
bool may_join(Frame& f, const Block& b) noexcept;
// Whether it may take its turn, which begins now: its station's, or the worker's that takes the request up.
// REQUIRES: as for may_join
bool may_take_turn(Frame& f, const Block& b, TimePoint now) noexcept;
// The same for whatever block a worker is about to enter. REQUIRES: the block has a site
bool is_worth_a_turn(Frame& f, const Block& b, TimePoint now) noexcept;

// A turn has begun: also of requests that have no site, or no deadline, of which nothing is learned.
inline void turn_begins(Frame& f, const Block& b, Turn& w) noexcept {
  w.began = TimePoint{};
  if (!f.timed || !has_deadline(f)) return;
  w.began = f.executor->now();
  if (b.site)
    f.at<Atomic<TimePoint::rep>>(b.began).store(w.began.time_since_epoch().count(), std::memory_order_relaxed);
}
// It ends; of a batch, that of all its rows.
inline void turn_ends(Frame& f, Turn& w, Station& station, std::size_t rows) noexcept {
  if (w.began == TimePoint{}) return;
  const Duration took = f.executor->now() - w.began;
  station.site().observe({AdmitSample::Kind::turn, took / static_cast<Duration::rep>(rows)});
}

// All sites that the request has passed learn, once, how long it took from there to its answer, or to where it ended
// without one. `later`: so long from now.
void tell_sites(Frame& f, AdmitSample::Kind kind, Duration later = {}) noexcept;

}  // namespace tailrace::detail
