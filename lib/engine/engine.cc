#include "tailrace/engine/engine.h"

#include "engine/drive.h"
#include "engine/inline_executor.h"
#include "engine/lifetime.h"
#include "engine/shed.h"
#include "engine/trace.h"

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

Step entry_of(Frame& f) noexcept { return {&f, f.program->regions.front().entry}; }

bool is_done(const Frame& f) noexcept { return f.state.load(std::memory_order_acquire) & done; }

// Waits until the request is answered or `until` has passed.
void wait_for(Frame& f, TimePoint until) noexcept {
  for (int i = 0; i < looks_before_sleep; ++i) {
    if (is_done(f)) return;
    __builtin_ia32_pause();
  }
  auto seen = f.state.fetch_or(waiting, std::memory_order_acq_rel) | waiting;
  while (!(seen & done)) {
    if (until != never && f.executor->now() >= until) return;
    f.executor->wait(f.state, seen, until);
    seen = f.state.load(std::memory_order_acquire);
  }
}

void on_deadline(Timer& timer) noexcept {
  Frame& f = *reinterpret_cast<Frame*>(reinterpret_cast<char*>(&timer) - offsetof(Frame, timer));
  EngineState& engine = *f.engine;
  expire(f, Code::deadline_missed);
  release(f);
  engine.resting.fetch_sub(1, relaxed);
  engine.outside.fetch_sub(1, std::memory_order_release);
}

// From here on stop() can find the request; it may have looked already.
void answer_if_stopping(Frame& f) noexcept {
  if (f.engine->is_stopping()) [[unlikely]]
    expire(f, Code::shutting_down, true);
}

// Hands a request to the executor. The caller keeps one reference, where nobody takes it over.
void start_elsewhere(Frame& f) noexcept {
  f.set_live(f.program->input_live);
  f.shared = true;
  f.armed = has_deadline(f);
  if (f.armed) watch(f);
  f.refs.store((f.armed ? 3u : 2u | open_bit) | (f.handle ? handle_bit : 0));
  if (f.engine->threadless) f.timed = true;  // so that it may yield at every block
  if (f.program->request_trace) trace_begin(f);
  const bool listens = f.special;  // asked now: whoever answers at the deadline may write it
  if (f.armed) {
    f.engine->outside.fetch_add(1, relaxed);
    f.engine->resting.fetch_add(1, relaxed);
    f.timer.fire = on_deadline;
    f.executor->wake_at(f.head.request.deadline, f.timer);
    f.refs.fetch_or(open_bit);  // only now: whoever answers it disarms the timer
  }
  if (listens) listen_for_stop(f);
  answer_if_stopping(f);
  spawn(entry_of(f));
}

// Whether the request must not wait for another thread, because the others may be waiting for this one.
[[gnu::noinline]] bool must_stay_here(const Frame& f) noexcept {
  return f.engine->threadless || tasks_running || f.executor->on_worker();
}

// The caller's thread has done what it could, and others hold the frame: waits for the answer, until the deadline.
void wait_for_answer(Frame& f) noexcept {
  f.refs.fetch_or(open_bit);
  answer_if_stopping(f);
  wait_for(f, f.head.request.deadline);
  if (!is_done(f)) expire(f, Code::deadline_missed);
  wait_for(f, never);  // whoever claimed it is about to complete it
}

// Nothing is left to run: the request waits for a Completion, or for its turn at a station.
void wait_here(Frame& f) noexcept {
  if ((f.refs.load(std::memory_order_acquire) & refs_mask) == 1) expire(f, Code::internal_error);
  f.refs.fetch_or(open_bit);
  answer_if_stopping(f);
  while (!is_done(f)) {
    wait_for(f, f.head.request.deadline);
    if (!is_done(f)) expire(f, Code::deadline_missed);
  }
}

// Everything on this thread, which is a worker already or the only one there is.
[[gnu::noinline]] void run_here(Frame& f) noexcept {
  InlineExecutors& all = f.engine->inline_executors;
  InlineExecutor* const here = all.take(*f.executor);
  if (!here) return expire(f, Code::out_of_memory);
  f.executor = here;
  if (has_deadline(f)) watch(f);
  f.refs.store(2, relaxed);
  drive(entry_of(f), Thread::worker);
  while (!is_done(f) && here->run_one()) {
  }
  if (!is_done(f)) wait_here(f);
  do {
    while (here->run_one()) {
    }  // arms that lost
  } while (!here->close());
  all.give_back(*here);
}

// A stop token may answer the request while a stage runs.
bool is_interruptible(const Frame& f) noexcept { return f.special && f.more.listener; }

// The caller's thread does what it can without making the answer late. Whether there is an answer now.
inline bool run_on_caller(Frame& f) noexcept {
  unsigned& tasks = tasks_running;
  f.refs.store(2, relaxed);
  tasks = 1;
  TimePoint left = TimePoint::min();
  if (f.timed) left = drive_timed(entry_of(f), is_interruptible(f) ? Thread::interruptible : Thread::borrowed);
  else drive(entry_of(f), Thread::borrowed);
  tasks = 0;
  if (!is_done(f)) return false;
  if (left > f.head.request.deadline) mark_late(f);
  return true;
}

// Everything on an executor's thread, while the caller sleeps.
void run_elsewhere(Frame& f) noexcept {
  if (f.program->request_trace) trace_begin(f);
  if (has_deadline(f)) watch(f);
  f.refs.store(2, relaxed);
  spawn(entry_of(f));
  wait_for_answer(f);
}

// Where there is something to ask before the caller's thread may work or wait.
[[gnu::noinline]] void run_carefully(Frame& f) noexcept {
  if (must_stay_here(f)) {
    ++tasks_running;
    run_here(f);
    --tasks_running;
    if (f.timed && f.engine->executor->now() > f.head.request.deadline) mark_late(f);
    return;
  }
  EngineState& e = *f.engine;
  const bool counted = e.max_running != unlimited;
  if (counted && e.callers_running.fetch_add(1, relaxed) >= e.max_running) {
    e.callers_running.fetch_sub(1, relaxed);
    return run_elsewhere(f);
  }
  const bool answered = run_on_caller(f);
  if (counted) e.callers_running.fetch_sub(1, relaxed);
  if (!answered) wait_for_answer(f);
}

}  // namespace

// ---- FrameRef

void* FrameRef::input() const noexcept { return frame_->base() + frame_->program->input; }
bool FrameRef::answered() const noexcept {
  return is_done(*frame_) || (frame_->deliver && frame_->state.load(relaxed) & claimed);
}
void* FrameRef::answer() const noexcept { return frame_->answer ? frame_->base() + frame_->answer : nullptr; }
Error FrameRef::error() const noexcept { return error_of(*frame_); }
Facts FrameRef::facts() const noexcept { return facts_of(*frame_); }
const Timing* FrameRef::timing() const noexcept { return frame_->clocked ? &frame_->more.account.answer : nullptr; }

// Whether somebody else still holds an answered request. Who has just answered it is about to let go, unless it may
// have losers: to look for that a few times costs less than to let the frame be held.
static bool others_hold(const Frame& f) noexcept {
  const auto held = [&] { return (f.refs.load(relaxed) & refs_mask) > 1; };
  for (int looks = 8; looks > 0 && held() && !f.spare.load(relaxed); --looks) __builtin_ia32_pause();
  return held();
}

// Of a request that others have known about.
[[gnu::noinline]] static void drop_shared(Frame& f) noexcept {
  EngineState* engine = f.handle ? f.engine : nullptr;
  const bool over = is_done(f) || (f.deliver && f.state.load(relaxed) & claimed);
  const bool kept = over && !f.held && others_hold(f);
  if (kept && (!f.program->parks || take_spare(f))) hold(f);
  release(f);
  if (engine) engine->leave();
}

void FrameRef::drop() noexcept {
  Frame& f = *frame_;
  if (f.shared) return drop_shared(f);
  detail::release(f);
}

// ---- EngineCore

void EngineCore::run(FrameRef& frame) const noexcept {
  Frame& f = *frame.get();
  f.set_live(f.program->input_live);
  watch_stop(f);
  if (f.program->asks || tasks_running) [[unlikely]]
    return run_carefully(f);
  if (!run_on_caller(f)) wait_for_answer(f);
}

void EngineCore::submit(FrameRef& frame) const noexcept {
  frame.get()->handle = true;
  state_->owners.fetch_add(1, relaxed);
  start_elsewhere(*frame.get());
}

void EngineCore::submit(FrameRef frame, void (*deliver)(FrameRef&, void*)) const noexcept {
  frame.get()->deliver = deliver;
  start_elsewhere(*frame.release());  // its reference is the delivery's
}

void* EngineCore::callback_memory(const FrameRef& frame) noexcept { return frame.get()->callback; }

void EngineCore::wait(const FrameRef& frame, TimePoint until) noexcept { wait_for(*frame.get(), until); }

void EngineCore::wait_within(const FrameRef& frame, Duration patience) noexcept {
  const TimePoint now = frame.get()->executor->now();
  wait(frame, patience < never - now ? now + patience : never);
}

void EngineCore::cancel(const FrameRef& frame) noexcept { expire(*frame.get(), Code::cancelled); }

FrameRef EngineCore::settle(FrameRef answered) noexcept {
  Frame& f = *answered.get();
  if (!f.special || !f.more.on_release) return FrameRef();
  if (!f.held) hold(f);
  return answered;
}

Ticked EngineCore::tick(Duration budget) const noexcept { return state_->executor->tick(budget); }

}  // namespace tailrace::detail
