#include "engine/turn.h"

#include <algorithm>
#include <utility>

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
  else if (b.site && !may_take_turn(f, b, now)) expire(f, Code::would_miss);
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

void call_batch(Slot& slot, const Block& b) noexcept {
  try {
    b.station->spec().batch(b.first->context, slot.batch.data(), slot.batch.size());
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

// The leader's block answers all rows; those of the others go on on the executor.
void run_batch(Frame& leader, const Block& b, Slot& slot) noexcept {
  auto& rows = slot.rows;
  for (Turn* w : rows)
    if (w->frame != &leader) end_spending(*w->frame, Spent::queued);  // the leader's has ended
  const auto unwanted = [&](Turn* w) {
    return w->frame == &leader ? leader_stopped(leader, b) : !row_wanted(*w->frame, *w->block);
  };
  rows.erase(std::remove_if(rows.begin(), rows.end(), unwanted), rows.end());
  if (rows.empty()) return;
  slot.batch.clear();
  for (Turn* w : rows) {
    slot.batch.push_back(row_of(*w->block->first, w->frame->base()));
    if (w->frame != &leader) turn_begins(*w->frame, *w->block, *w);
    enter_block(*w->frame, *w->block);
    if (w->block->region->trace) trace_turn(*w->frame, *w->block);
    begin_spending(*w->frame, Spent::ran);
  }
  call_batch(slot, b);
  if (b.region->trace) trace_batch(leader, b, rows.size());
  for (Turn* w : rows) {
    if (w->block->region->trace) trace_row(*w->frame, *w->block);
    end_spending(*w->frame, Spent::ran);
    if (w->frame == &leader) continue;
    w->frame->at<RegionState>(w->block->state).at.store(0, std::memory_order_relaxed);
    spawn({w->frame, w->block->next});
  }
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

void give_on(Turn* next) noexcept {
  if (next) spawn_queued({next->frame, next->block});
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
    if (b.site && f.timed && has_deadline(f) && !may_join(f, b)) {
      expire(f, Code::would_miss);
      return release(f), false;
    }
    begin_spending(f, Spent::queued);
    const Station::Entry entry = b.station->enter(w, may_wait);
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
  } else if (b.region->role == Role::call) {
    call_has_turn(f, *b.region);
  }
  w.granted = false;
  call_begins(*b.station, w.stream);
  turn_begins(f, b, w);
  if (b.region->trace && !b.station->spec().batch) trace_turn(f, b);
  ready_state(f, b, *w.slot);
  if (b.station->spec().batch) run_batch(f, b, *w.slot);
  return true;
}

void call_ended() noexcept { --held_count; }

void end_turn(Frame& f, const Region& r, Station& station) noexcept {
  Turn& w = f.at<Turn>(r.turn);
  Slot* const slot = std::exchange(w.slot, nullptr);
  if (!slot) return;
  turn_ends(f, w, station, std::max<std::size_t>(slot->rows.size(), 1));
  give_on(station.leave(*slot));
}

void abandon_turn(Step s) noexcept {
  Turn& w = s.frame->at<Turn>(s.block->region->turn);
  if (!std::exchange(w.granted, false)) return;
  Slot& slot = *std::exchange(w.slot, nullptr);
  if (slot.rows.size() < 2) return give_on(s.block->station->leave(slot));
  slot.rows.erase(slot.rows.begin());  // the rest of a batch goes on without it
  Turn& next = *slot.rows.front();
  next.slot = &slot;
  next.granted = true;
  give_on(&next);
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
