#include "engine/drive.h"

#include <algorithm>

#include "engine/learn.h"
#include "engine/park.h"
#include "engine/shed.h"
#include "engine/trace.h"
#include "engine/turn.h"

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// The step's block will not run.
void give_up(Step s) noexcept {
  if (s.block->station) abandon_turn(s);
  release(*s.frame);
}

// Whether the step's block may run here and now. If not, the step has been dealt with.
inline bool may_begin(Step s) noexcept {
  Frame& f = *s.frame;
  if (f.engine->threadless && f.executor->should_yield()) return spawn(s), false;
  return !s.block->station || begin_turn(s);
}
[[gnu::noinline]] bool may_enter(Step s) noexcept {
  if (s.frame->parent && left_outside(*s.frame)) return give_up(s), false;
  return may_begin(s);
}

// ---- requests that are timed

// A run longer than any other is never lost, also where several end at the same time.
inline void learn_cost(const Block& b, Duration took, bool whole) noexcept {
  learn(b.cost, [=](policy::BlockCost known) { return policy::observe(known, took, whole); });
}

// Whether the caller's thread would be back in time from the step's block, as it is where the request is timed only to
// see where its time goes. Where that thread is also one of those that the request would be handed over to, there is
// nothing to choose.
inline bool may_stay(Step s, Thread thread, TimePoint now) noexcept {
  Frame& f = *s.frame;
  const Duration left = f.head.request.deadline - now;
  const Duration slack = thread == Thread::interruptible ? std::min(left, policy::at_once) : left;
  return policy::may_inline(s.block->cost.load(relaxed), slack) ||
         (!has_deadline(f) && thread != Thread::interruptible) || (f.engine->shares_threads && f.executor->on_worker());
}

inline bool may_enter_timed(Step s, Thread thread, TimePoint now) noexcept {
  Frame& f = *s.frame;
  if (f.parent && left_outside(f)) return give_up(s), false;
  if (now >= f.head.request.deadline) {
    expire(root_of(f), Code::deadline_missed);
    return give_up(s), false;
  }
  if (thread != Thread::worker && !may_stay(s, thread, now)) {
    if (has_deadline(f)) watch(f);
    return spawn(s), false;
  }
  if (thread == Thread::worker && s.block->site && !is_worth_a_turn(f, *s.block, now)) {
    expire(f, Code::would_miss);
    return give_up(s), false;
  }
  return may_begin(s);
}

// A block's region was stopped or has failed.
[[gnu::noinline]] Step halted(Step s, std::uint32_t halt) noexcept {
  Frame& f = *s.frame;
  const Block& b = *s.block;
  if (b.station) call_ended();
  if (b.region->trace && !parks(b) && halt == stopped) [[unlikely]]
    trace_stopped(f, b);
  if (b.end == End::leave) end_turn(f, *b.region, *b.station);
  if (parks(b)) leave_park(f, *b.control);
  if (halt == stopped) region_stopped(f, *b.region);
  return halt == failed ? region_failed(f, *b.region) : nothing(f);
}

// Another thread is failing the block's region at this moment, with its Completion. Of that thread and this one whoever
// comes second to their meeting goes on, and finds that the region has failed.
inline bool is_failed_elsewhere(const Block& b, std::uint32_t halt) noexcept { return halt == failing && parks(b); }

[[gnu::always_inline]] inline Step finish_block(Step s, Thread thread) noexcept {
  Frame& f = *s.frame;
  const Block& b = *s.block;
  RegionState& state = f.at<RegionState>(b.state);
  state.at.store(0, relaxed);
  const auto halt = state.flag.halt.load(std::memory_order_acquire);
  if (halt != running && !is_failed_elsewhere(b, halt)) [[unlikely]]
    return halted(s, halt);
  switch (b.end) {
    case End::next:
    case End::hop: return {&f, b.next};
    case End::leave:
      call_ended();
      end_turn(f, *b.region, *b.station);
      return {&f, b.next};
    case End::done: return region_done(f, *b.region);
    case End::control: return left_outside(f) ? halted(s, stopped) : start_control(f, *b.control, thread);
  }
  return nothing(f);
}

// A task on its way to a station, from which nobody has called it yet.
[[gnu::noinline]] void count_coming(Frame& f, const Block& b, int by) noexcept {
  if (!b.station || !f.at<Turn>(b.region->turn).granted) b.toward->count_coming(by);
}

void run_task(Task& task) noexcept {
  auto& t = static_cast<RegionTask&>(task);
  EngineState& engine = *t.frame->engine;
  if (t.block->toward) [[unlikely]]
    count_coming(*t.frame, *t.block, -1);
  drive_queued({t.frame, t.block});
  engine.outside.fetch_sub(1, std::memory_order_release);
}

}  // namespace

bool halted_outside(const Frame& f) noexcept {
  for (const RequestView* r = &f.head.request; r; r = r->outer_view)
    if (r->outer->halt.load(relaxed) != running) return true;  // the last one is the engine's
  return false;
}

bool left_outside(Frame& f) noexcept {
  if (!halted_outside(f)) return false;
  if (f.engine->is_stopping()) expire(root_of(f), Code::shutting_down);
  halt_regions(f, 0, static_cast<std::uint32_t>(f.program->regions.size()));
  return true;
}

const Block& run_blocks(Frame& f, const Block& first) noexcept {
  char* const frame = f.base();
  const auto& halt = f.at<RegionState>(first.state).flag.halt;
  const Block* b = &first;
  const Instruction* i = b->first;
  try {
    if (f.parent) {
      for (; i != b->last && halt.load(relaxed) == running && !left_outside(f); ++i) i->run(*i, frame);
      return *b;
    }
    for (;;) {
      for (const Instruction* const last = b->last; i != last && halt.load(relaxed) == running; ++i) i->run(*i, frame);
      if (b->end != End::next || f.timed) return *b;
      b = b->next;
      i = b->first;
      enter_block(f, *b);
    }
  } catch (...) {
    if (halt.load(relaxed) == running && !left_outside(f)) fail_instruction(*i, frame, thrown());
    return *b;
  }
}

TimePoint drive_timed(Step s, Thread thread) noexcept {
  TimePoint looked = s.frame->executor->now();
  while (may_enter_timed(s, thread, looked)) {
    Frame& f = *s.frame;
    enter_block(f, *s.block);
    begin_spending(f, Spent::ran);
    const Block& b = run_blocks(f, *s.block);
    end_spending(f, Spent::ran);
    const bool whole = f.at<RegionState>(b.state).flag.halt.load(relaxed) == running;
    if (parks(b))
      learn_cost(b, f.executor->now() - looked, whole);  // whoever completes it may be quicker than this thread
    s = finish_block({&f, &b}, thread);
    if (!s.frame) break;
    const TimePoint now = s.frame->executor->now();
    if (!parks(b)) learn_cost(b, now - looked, whole);
    looked = now;
    if (!s.block) {
      release(*s.frame);
      break;
    }
  }
  return looked;
}

void drive(Step s, Thread thread) noexcept {
  if (s.frame->timed) {
    drive_timed(s, thread);
    return;
  }
  Frame* f = s.frame;  // apart from each other, compilers keep the two in registers
  const Block* b = s.block;
  while (b) {
    if ((f->parent || b->station) && !may_enter({f, b})) return;
    enter_block(*f, *b);
    const Step next = finish_block({f, &run_blocks(*f, *b)}, thread);
    f = next.frame;
    b = next.block;
  }
  if (f) release(*f);
}

void drive_queued(Step s) noexcept {
  end_spending(*s.frame, Spent::queued);
  ++tasks_running;
  drive(s, Thread::worker);
  --tasks_running;
}

void spawn(Step s) noexcept {
  begin_spending(*s.frame, Spent::queued);
  spawn_queued(s);
}

void spawn_queued(Step s) noexcept {
  Frame& f = *s.frame;
  f.engine->outside.fetch_add(1, relaxed);
  if (!f.shared) f.shared = true;
  if (s.block->toward) [[unlikely]]
    count_coming(f, *s.block, 1);
  auto& t = f.at<RegionTask>(s.block->region->task);
  t.run = run_task;
  t.frame = &f;
  t.block = s.block;
  f.executor->spawn(t);
}

}  // namespace tailrace::detail
