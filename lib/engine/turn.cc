#include "engine/turn.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "engine/batching.h"
#include "engine/hedge.h"
#include "engine/shed.h"
#include "engine/trace.h"
#include "tailrace/plan/other_forms.h"

namespace tailrace::detail {
namespace {

// The turns that the calling thread has, one inside the other, because stages ask engines. Deeper ones are not noted.
struct Held {
  const Station* station;
  std::uint64_t stream;
};
constexpr std::size_t max_held = 16;
thread_local Held held[max_held];
thread_local std::size_t held_count = 0;

void call_begins(const Station& station, std::uint64_t stream) noexcept {
  if (held_count < max_held) held[held_count] = {&station, stream};
  ++held_count;
}

// Whether a request that only this thread can run would wait for a turn that ends only after it.
bool would_wait_for_itself(const Frame& f, const Station& station, std::uint64_t stream) noexcept {
  if (held_count == 0 || f.executor == f.engine->executor.get()) return false;
  const Held* const end = held + std::min(held_count, max_held);
  const auto mine = std::count_if(static_cast<const Held*>(held), end, [&](const Held& h) {
    return h.station == &station && (!station.spec().per_stream || h.stream == stream);
  });
  return static_cast<std::size_t>(mine) >= station.spec().limit;
}

// The block's stage fails without having been called.
void fail_block(Frame& f, const Block& b, const Error& error) noexcept { fail_instruction(*b.first, f.base(), error); }

// The slot's state, made now if it is not there.
void ready_state(Frame& f, const Block& b, Slot& slot) noexcept {
  const StateOps* ops = b.station->spec().state;
  if (!ops) return;
  if (slot.stale) ops->destroy(std::exchange(slot.stale, nullptr));
  if (!slot.state) try {
      slot.state = ops->make(b.first->context);
    } catch (...) {
      return fail_block(f, b, thrown());
    }
  f.at<void*>(b.memory) = slot.state;
}

// ---- batches

// A row whose time is up, or will be before it has its answer, is not called.
void look_at_deadline(Frame& f, const Block& b) noexcept {
  if (!f.timed || !has_deadline(f)) return;
  const TimePoint now = f.executor->now();
  if (now >= f.head.request.deadline) expire(root_of(f), Code::deadline_missed);
  else if (b.site && !b.station->drops() && !may_take_turn(f, b, now)) expire(f, Code::would_miss);
}

// Whether a row that came along in a batch is still wanted. If not, it has been dealt with.
bool row_wanted(Frame& f, const Block& b) noexcept {
  look_at_deadline(f, b);
  if (f.region_state(*b.region).flag.halt.load(std::memory_order_relaxed) == running && !left_outside(f)) return true;
  release(f);
  return false;
}

// Whether the one whose block runs the batch was stopped since it was given its turn: then its block ends as any does.
bool leader_stopped(Frame& f, const Block& b) noexcept {
  return left_outside(f) || f.region_state(*b.region).flag.halt.load(std::memory_order_relaxed) != running;
}

void call_stage(Slot& slot, const Block& b) noexcept {
  const auto rows = static_cast<std::uint32_t>(slot.batch.size());
  try {
    b.station->spec().batch(b.first->context, {slot.batch.data(), rows, std::max(rows, slot.padded)});
  } catch (...) {
    const Error error = thrown();
    for (BatchRow& row : slot.batch)
      if (!row.done) {
        row.fail(row, error);
        row.done = true;
      }
  }
  for (BatchRow& row : slot.batch)
    if (!row.done) fail_forgotten(row);
}

// Of the rows, those who are still wanted begin.
void begin_rows(Frame& leader, const Block& b, Slot& slot) noexcept {
  auto& rows = slot.rows;
  for (Turn* w : rows)
    if (w->frame != &leader) end_spending(*w->frame, Spent::queued);  // the leader's has ended
  const auto unwanted = [&](Turn* w) {
    return w->frame == &leader ? leader_stopped(leader, b) : !row_wanted(*w->frame, *w->block);
  };
  rows.erase(std::remove_if(rows.begin(), rows.end(), unwanted), rows.end());
  slot.batch.clear();
  for (Turn* w : rows) {
    slot.batch.push_back(row_of(*w->block->first, w->frame->base()));
    if (w->frame != &leader) turn_begins(*w->frame, *w->block, *w);
    enter_block(*w->frame, *w->block);
    if (w->block->region->trace) trace_turn(*w->frame, *w->block);
    begin_spending(*w->frame, Spent::ran);
  }
}

// The call itself. The leader's block goes on where it is; those of the others on the executor.
void end_rows(Frame& leader, const Block& b, Slot& slot) noexcept {
  const auto rows = static_cast<std::uint32_t>(slot.rows.size());
  const bool told = b.station->asks();
  if (told && !slot.call.began) slot.call.at = leader.executor->now();
  call_stage(slot, b);
  if (told) b.station->observe({rows, std::max(rows, slot.padded), leader.executor->now() - slot.call.at});
  slot.call.began = false;
  if (b.region->trace) trace_batch(leader, b, rows, std::max(rows, slot.padded));
  for (Turn* w : slot.rows) {
    if (w->block->region->trace) trace_row(*w->frame, *w->block);
    end_spending(*w->frame, Spent::ran);
    if (w->frame == &leader) continue;
    w->frame->at<RegionState>(w->block->state).at.store(0, std::memory_order_relaxed);
    spawn({w->frame, w->block->next});
  }
}

// Lets a call's simulated time pass. True: on the executor's clock, and then the leader comes back; until then it is
// the executor's.
bool pass_time(Frame& leader, Turn& w, const Block& b, Slot& slot) noexcept {
  const auto rows = std::max(static_cast<std::uint32_t>(slot.rows.size()), slot.padded);
  Slot::Call& call = slot.call;
  call.at = leader.executor->now();
  call.began = true;
  call.leader = &w;
  call.where = leader.program->names[static_cast<std::size_t>(b.first - leader.program->code.data())];
  call.over = [](Work& work) noexcept {
    Turn& leads = *static_cast<Slot::Call&>(work).leader;
    leads.granted = true;
    begin_spending(*leads.frame, Spent::queued);
    spawn_queued({leads.frame, leads.block});
  };
  const TimePoint due = call.at + b.station->spec().takes(b.first->context, rows);
  if (leader.engine->executor->occupy(due, call)) return true;
  std::this_thread::sleep_until(due);
  return false;
}

// True: the batch was called, and the leader's block runs on; false: it comes back when the call's time has passed.
bool run_batch(Frame& leader, Turn& w, const Block& b) noexcept {
  Slot& slot = *w.slot;
  if (!slot.call.began) {
    begin_rows(leader, b, slot);
    if (slot.rows.empty()) return true;
    if (b.station->spec().takes && pass_time(leader, w, b, slot)) return false;
  }
  return end_rows(leader, b, slot), true;
}

Turn& write_turn(Step s) noexcept {
  Turn& w = s.frame->at<Turn>(s.block->region->turn);
  const Frame& root = root_of(*s.frame);
  w.frame = s.frame;
  w.block = s.block;
  w.stream = root.ranked ? root.more.stream : 0;
  return w;
}

// Whether a region that would wait has not been stopped yet; and its rank among those who wait.
bool may_wait(Turn& w) noexcept {
  Frame& f = *w.frame;
  const Frame& root = root_of(f);
  w.place.rank =
      policy::rank(root.ranked ? root.more.priority : 0, f.head.request.deadline, f.executor->now(), f.engine->ageing);
  return f.region_state(*w.block->region).flag.halt.load() != stopped && !(f.parent && halted_outside(f));
}

// Whether the turn is that of an element of the frame's, or of an element's element, which was stopped.
bool is_stopped_element(const Turn& w, const void* of) noexcept {
  for (const Frame* f = w.frame->parent; f; f = f->parent)
    if (f == of) return halted_outside(*w.frame);
  return false;
}
// Their frames are let go of by the executor: users' values are not destroyed on the thread that stops a request.
void elements_leave_queues(const Frame& f, const Program& element) noexcept {
  for (const auto& station : element.stations)
    for (Turn* w = station->remove_if(is_stopped_element, &f); w;) {
      Turn* const next = w->next;
      spawn_queued({w->frame, w->block});
      w = next;
    }
  for (const Control& c : element.controls)
    if (c.element && c.element->queues) elements_leave_queues(f, *c.element);
}

void give_up_slot(Frame& f, Station& station, Slot& slot) noexcept {
  if (station.asks()) {
    station.leave_asking(slot, f.executor->now());
  } else if (const Turn* next = station.leave(slot)) {
    spawn_queued({next->frame, next->block});
  }
}

// One who will not see the end of the call that it was to be in, or is in.
void forget_row(Slot& slot, Turn& w) noexcept {
  const auto row = std::find(slot.rows.begin(), slot.rows.end(), &w);
  if (row == slot.rows.end()) return;
  if (slot.call.began) {
    slot.batch.erase(slot.batch.begin() + (row - slot.rows.begin()));
    w.frame->at<RegionState>(w.block->state).at.store(0, std::memory_order_relaxed);
    end_spending(*w.frame, Spent::ran);
  }
  slot.rows.erase(row);
  if (slot.rows.empty()) slot.call.began = false;
}

Station::Entry enter(Station& station, Turn& w) noexcept {
  if (!station.asks()) return station.enter(w, may_wait);
  Station::Decided decided;
  const Station::Entry entry = station.enter_asking(w, may_wait, decided);
  carry_out(decided);
  return entry;
}

}  // namespace

bool begin_turn(Step s) noexcept {
  Frame& f = *s.frame;
  const Block& b = *s.block;
  Turn& w = f.at<Turn>(b.region->turn);
  if (!w.granted) {
    write_turn(s);
    if (would_wait_for_itself(f, *b.station, w.stream)) {
      fail_block(f, b, Error(Code::unsupported, "a call of this stage asks for itself and would wait for ever"));
      return call_begins(*b.station, w.stream), true;
    }
    if (!f.shared) f.shared = true;  // others read it: written once
    if (b.site && f.timed && has_deadline(f) && !b.station->drops() && !may_join(f, b)) {
      expire(f, Code::would_miss);
      return release(f), false;
    }
    begin_spending(f, Spent::queued);
    const Station::Entry entry = enter(*b.station, w);
    if (entry == Station::Entry::waits) return false;  // and is somebody else's now
    end_spending(f, Spent::queued);
    switch (entry) {
      case Station::Entry::waits:
      case Station::Entry::unwanted: (void)left_outside(f); return release(f), false;
      case Station::Entry::no_room:
        fail_block(f, b, Error(Code::overloaded, "more streams than this stage keeps states for are in use"));
        return call_begins(*b.station, w.stream), true;
      case Station::Entry::entered: break;
    }
  } else if (b.region->role == Role::call && !w.slot->call.began) {
    call_has_turn(f, *b.region);
  }
  w.granted = false;
  call_begins(*b.station, w.stream);
  if (!w.slot->call.began) turn_begins(f, b, w);
  if (b.station->spec().batch) {
    if (run_batch(f, w, b)) return true;
    return call_ended(), false;
  }
  if (b.region->trace) trace_turn(f, b);
  ready_state(f, b, *w.slot);
  return true;
}

void call_ended() noexcept { --held_count; }

void end_turn(Frame& f, const Region& r, Station& station) noexcept {
  Turn& w = f.at<Turn>(r.turn);
  Slot* const slot = std::exchange(w.slot, nullptr);
  if (!slot) return;
  turn_ends(f, w, station, std::max<std::size_t>(slot->rows.size(), 1));
  give_up_slot(f, station, *slot);
}

void abandon_turn(Step s) noexcept {
  Turn& w = s.frame->at<Turn>(s.block->region->turn);
  if (!std::exchange(w.granted, false)) return;
  Slot& slot = *std::exchange(w.slot, nullptr);
  forget_row(slot, w);
  if (slot.rows.empty()) return give_up_slot(*s.frame, *s.block->station, slot);
  Turn& next = *slot.rows.front();  // the rest of a batch goes on without it
  next.slot = &slot;
  next.granted = true;
  spawn_queued({next.frame, next.block});
}

void leave_queues(Frame& f, std::uint32_t first, std::uint32_t last) noexcept {
  for (auto r = first; r < last; ++r) {
    const Region& region = f.program->regions[r];
    if (!region.turn) continue;
    Station* const station = f.at<Turn>(region.turn).queue.load();
    if (!station || !station->remove(f.at<Turn>(region.turn))) continue;
    end_spending(f, Spent::queued);
    release(f);
  }
  for (const Control& c : f.program->controls)
    if (c.element && c.element->queues && c.around->first >= first && c.around->first < last)
      elements_leave_queues(f, *c.element);
}

}  // namespace tailrace::detail
