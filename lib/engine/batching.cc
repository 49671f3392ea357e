#include "engine/batching.h"

#include <algorithm>
#include <utility>

#include "engine/drive.h"
#include "engine/shed.h"

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// Nobody else can answer for it, and its engine sheds load.
bool may_drop(const Turn& w) noexcept { return w.block->site && has_deadline(*w.frame); }

// A caller who runs his request himself is not kept waiting for others.
bool is_patient(const Turn& w) noexcept { return w.frame->executor == w.frame->engine->executor.get(); }

void append(Turn*& list, Turn& w) noexcept {
  Turn** end = &list;
  while (*end) end = &(*end)->next;
  *end = &w;
  w.next = nullptr;
}

void keep(EngineState& e) noexcept {
  e.outside.fetch_add(1, relaxed);
  e.resting.fetch_add(1, relaxed);
}
void let_go(EngineState& e) noexcept {
  e.resting.fetch_sub(1, relaxed);
  e.outside.fetch_sub(1, std::memory_order_release);
}

}  // namespace

// Takes those who are first out of the queue, and asks about them.
BatchAction Station::ask(TimePoint now) noexcept {
  Batching& b = *batching_;
  b.looked_at.clear();
  b.seen.clear();
  b.may_wait = true;
  b.oldest = now;
  while (b.looked_at.size() < spec_.max_batch) {
    Turn* const w = common_.queue.pop();
    if (!w) break;
    b.looked_at.push_back(w);
    b.seen.push_back({w->frame->head.request.deadline, w->began, may_drop(*w)});
    b.may_wait = b.may_wait && is_patient(*w);
    b.oldest = std::min(b.oldest, w->began);
  }
  BatchSnapshot look;
  look.waiting = waiting();
  look.first = b.seen;
  look.free = static_cast<std::uint32_t>(common_.free.size());
  look.most = spec_.max_batch;
  look.shared = b.shared = tasks_wait(*b.looked_at.front()->frame->engine);
  return b.policy->decide(look, now, *b.state);
}

// Unless it is on its way. REQUIRES: somebody waits
void Station::spawn_starter(TimePoint now) noexcept {
  Batching& b = *batching_;
  if (b.spawned) return;
  Frame& f = *common_.queue.first()->frame;
  b.spawned = true;
  b.no_longer_than = now + b.took;
  b.starter.run = run_starter;
  b.starter.engine = f.engine;
  b.starter.on = f.executor;
  f.engine->outside.fetch_add(1, relaxed);
  f.executor->spawn(b.starter);
}

// Whether calls are begun by the starter, which runs behind those who are on their way here.
bool Station::leaves_it_to_starter(TimePoint now) noexcept {
  const Batching& b = *batching_;
  if (b.spawned) return now < b.no_longer_than;
  if (coming_.load(relaxed) == 0) return false;
  spawn_starter(now);
  return true;
}

void Station::run_starter(Task& task) noexcept {
  auto& starter = static_cast<Batching::Starter&>(task);
  EngineState& e = *starter.engine;
  const Executor* const on = starter.on;
  Decided decided;
  {
    Station& station = *starter.station;
    const std::lock_guard lock(station.mutex_);
    station.batching_->spawned = false;
    station.decide(e.executor->now(), nullptr, decided);
  }
  Turn* const mine = decided.run;
  const bool here = mine && mine->frame->engine == &e && mine->frame->executor == on;
  if (here) decided.run = mine->next;
  carry_out(decided);
  if (here) drive_queued({mine->frame, mine->block});
  e.outside.fetch_sub(1, std::memory_order_release);
}

// Until nobody waits, no slot is free, or the policy waits.
void Station::decide(TimePoint now, Turn* mine, Decided& decided) noexcept {
  while (!common_.free.empty() && !common_.queue.empty()) {
    BatchAction action = ask(now);
    const Batching& b = *batching_;
    const TimePoint until = std::min(action.until, b.oldest + longest_wait_for_others);
    const bool begins = action.kind == BatchAction::Kind::run, waits = !begins && b.may_wait && until > now;
    if (begins) action.rows = std::max(action.rows, 1u);
    else action.rows = waits ? 0 : spec_.max_batch;
    if (begin_call(action, mine, decided) || !waits || common_.queue.empty()) continue;
    const bool yields = action.kind == BatchAction::Kind::yield && b.shared;
    return yields ? spawn_starter(now) : wait_until(until);
  }
  look_after_alarm();
}

// Of those who were looked at, some are refused, some begin a call, and the others go back. False: nobody begins one.
bool Station::begin_call(const BatchAction& action, Turn* mine, Decided& decided) noexcept {
  Batching& b = *batching_;
  Slot& slot = *common_.free.back();
  slot.rows.clear();
  bool any_dropped = false;
  for (std::size_t i = 0; i < b.looked_at.size(); ++i) {
    Turn& w = *b.looked_at[i];
    const bool dropped = b.seen[i].may_drop && b.seen[i].deadline < action.drop_before;
    if (!dropped && slot.rows.size() >= action.rows) {
      common_.queue.push(w);
      continue;
    }
    w.queue.store(nullptr, relaxed);
    waiting_.fetch_sub(1, relaxed);
    if (dropped) append(decided.refused, w);
    else slot.rows.push_back(&w);
    any_dropped = any_dropped || dropped;
  }
  // Of those who were not looked at, some may go with them.
  if (any_dropped && slot.rows.size() < action.rows && !common_.queue.empty()) {
    for (Turn* w : slot.rows) {
      w->queue.store(this, relaxed);
      waiting_.fetch_add(1, relaxed);
      common_.queue.push(*w);
    }
    slot.rows.clear();
  }
  if (slot.rows.empty()) return false;
  common_.free.pop_back();
  ++common_.busy;
  const auto rows = static_cast<std::uint32_t>(slot.rows.size());
  slot.padded = std::clamp(action.padded, rows, std::max(rows, spec_.max_batch));
  const auto here = std::find(slot.rows.begin(), slot.rows.end(), mine);
  if (here != slot.rows.end()) std::swap(slot.rows.front(), *here);
  Turn& leader = *slot.rows.front();
  leader.slot = &slot;
  leader.granted = &leader != mine;
  if (leader.granted) append(decided.run, leader);
  return true;
}

Station::Entry Station::enter_asking(Turn& w, bool (*may_wait)(Turn&) noexcept, Decided& decided) noexcept {
  const TimePoint now = w.frame->executor->now();
  const std::lock_guard lock(mutex_);
  w.began = now;
  w.slot = nullptr;
  w.place.arrival = ++arrivals_;
  w.queue.store(this);
  if (!may_wait(w)) return w.queue.store(nullptr, relaxed), Entry::unwanted;
  common_.queue.push(w);
  waiting_.fetch_add(1, relaxed);
  if (common_.free.empty() || leaves_it_to_starter(now)) return Entry::waits;
  decide(now, &w, decided);
  const bool leads = w.slot && !w.granted;
  return leads ? Entry::entered : Entry::waits;
}

void Station::leave_asking(Slot& slot, TimePoint now) noexcept {
  const std::lock_guard lock(mutex_);
  common_.free.push_back(&slot);
  --common_.busy;
  if (!common_.queue.empty()) spawn_starter(now);  // a thread must be found for the call in any case
}

void Station::observe(const BatchSample& sample) noexcept {
  const std::lock_guard lock(mutex_);
  Batching& b = *batching_;
  b.took += (sample.took - b.took) / 8;
  b.policy->observe(*b.state, sample);
}

// ---- the alarm

void Station::wait_until(TimePoint until) noexcept {
  Batching& b = *batching_;
  EngineState& e = *common_.queue.first()->frame->engine;
  if (b.armed && b.alarm.engine == &e && b.alarm.due == until) return;
  if (b.armed && !b.alarm.engine->executor->cancel(b.alarm)) return;  // it is firing, and will ask again
  if (b.armed) let_go(*b.alarm.engine);
  b.armed = true;
  b.alarm.engine = &e;
  b.alarm.fire = ring;
  keep(e);
  e.executor->wake_at(until, b.alarm);
}

// Somebody has left the queue, or nobody waits for the alarm any more.
void Station::look_after_alarm() noexcept {
  Batching& b = *batching_;
  if (!b.armed) return;
  const Turn* const first = common_.free.empty() ? nullptr : common_.queue.first();
  if (first && first->frame->engine == b.alarm.engine) return;
  if (!b.alarm.engine->executor->cancel(b.alarm)) return;
  let_go(*b.alarm.engine);
  b.armed = false;
  if (first) wait_until(b.alarm.due);
}

void Station::ring(Timer& timer) noexcept {
  auto& alarm = static_cast<Batching::Alarm&>(timer);
  EngineState& e = *alarm.engine;
  Decided decided;
  const TimePoint now = e.executor->now();
  {
    Station& station = *alarm.station;
    const std::lock_guard lock(station.mutex_);
    station.batching_->armed = false;
    station.decide(now, nullptr, decided);
  }
  carry_out(decided);
  let_go(e);
}

void carry_out(const Station::Decided& decided) noexcept {
  for (Turn* w = decided.refused; w;) {
    Frame& f = *std::exchange(w, w->next)->frame;
    end_spending(f, Spent::queued);
    expire(f, Code::would_miss, true);
    release(f);
  }
  for (Turn* w = decided.run; w;) {
    Turn& leader = *std::exchange(w, w->next);
    spawn_queued({leader.frame, leader.block});
  }
}

}  // namespace tailrace::detail
