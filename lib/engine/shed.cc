#include "engine/shed.h"

#include <algorithm>

#include "engine/drive.h"
#include "engine/layout.h"
#include "engine/lifetime.h"

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

int priority_of(const Frame& f) noexcept { return f.ranked ? f.more.priority : 0; }

// As seen by one who is about to join the block's station.
AdmitSnapshot look(Frame& f, const Block& b, int priority) noexcept {
  const TimePoint now = f.executor->now(), deadline = f.head.request.deadline;
  AdmitSnapshot seen{deadline - now, 0, b.station->spec().limit, false};
  if (!b.station->spec().per_stream)
    seen.ahead = b.station->ahead_of(policy::rank(priority, deadline, now, f.engine->ageing));
  return seen;
}

// Not one that others may answer for, as an arm of a race or a rung that its cascade may be left before, nor its own.
bool is_needed(const Region& r) noexcept {
  switch (r.role) {
    case Role::request: return true;
    case Role::choice:
    case Role::branch: return r.control->around->needed;
    case Role::stage:
    case Role::rung: return r.control->around->needed && (r.arm == 0 || r.control->reserve < Duration{});
    case Role::race_arm:
    case Role::voter:
    case Role::call: return false;
  }
  return false;
}

}  // namespace

// A caller's thread counts as one of those that run them.
bool tasks_wait(const EngineState& e) noexcept {
  const auto tasks = e.outside.load(relaxed) - e.resting.load(relaxed);
  return static_cast<std::int32_t>(tasks) > static_cast<std::int32_t>(std::max(1u, e.executor->concurrency()));
}

void find_sites(Compiled& p) {
  p.entry_site = std::make_unique<AdmitSite>();
  for (Region& r : p.regions) r.needed = is_needed(r);
  for (Block& b : p.blocks) {
    if (b.station && b.region->needed) b.site = &b.station->site();
    else if (&b == p.regions.front().entry && !b.station) b.site = p.entry_site.get();
    if (!b.site) continue;
    b.began = narrow(p.sites.size());
    p.sites.push_back({b.site, b.began});
    if (b.region == &p.regions.front() && b.station && !b.station->spec().per_stream) p.doors.push_back(&b);
  }
}

void watch(Frame& f) noexcept {
  if (f.noted) return;
  f.began.store(0, relaxed);  // of stations it stands among what reset() clears
  f.noted = !f.program->sites.empty();
}

bool is_hopeless(Frame& f, int priority, Duration& retry) noexcept {
  for (const Block* b : f.program->doors) {
    if (b->station->drops()) continue;
    const AdmitSnapshot seen = look(f, *b, priority);
    if (seen.ahead > 0 && !b->site->admits(seen, &retry)) return true;
  }
  return false;
}

Duration time_of_one(EngineState& e) noexcept {
  Duration most{};
  Program* const p = keep_latest(e);
  if (!p) return most;
  for (const Block* b : p->doors) most = std::max(most, b->site->turn() / b->station->spec().limit);
  let_go_of(e, *p);
  return most;
}

bool may_join(Frame& f, const Block& b) noexcept { return b.site->admits(look(f, b, priority_of(f))); }

bool may_take_turn(Frame& f, const Block& b, TimePoint now) noexcept {
  AdmitSnapshot seen{f.head.request.deadline - now};
  seen.contended = b.station ? b.station->waiting() > 0 : tasks_wait(*f.engine);
  if (!b.site->admits(seen)) return false;
  if (!b.station) f.at<Atomic<TimePoint::rep>>(b.began).store(now.time_since_epoch().count(), relaxed);
  return true;
}

bool is_worth_a_turn(Frame& f, const Block& b, TimePoint now) noexcept {
  if (!has_deadline(f)) return true;
  if (!b.station) return may_take_turn(f, b, now);
  const Turn& w = f.at<Turn>(b.region->turn);
  if (!w.granted || b.station->drops() || w.slot->call.began) return true;  // not its turn, or decided already
  return may_take_turn(f, b, now);
}

// Whoever answers the request may meet a thread that begins a turn of it: each place is read and emptied in one step.
void tell_sites(Frame& f, AdmitSample::Kind kind, Duration later) noexcept {
  TimePoint now{};
  for (const AdmitUse& use : f.program->sites) {
    auto& noted = f.at<Atomic<TimePoint::rep>>(use.began);
    const auto began = noted.load(relaxed) ? noted.exchange(0, relaxed) : 0;
    if (began == 0) continue;
    if (now == TimePoint{}) now = f.executor->now();
    use.site->observe({kind, now - TimePoint(Duration(began)) + later});
  }
}

}  // namespace tailrace::detail
