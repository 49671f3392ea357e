#include "tailrace/engine/engine.h"

#include <algorithm>
#include <new>

#include "engine/drive.h"
#include "engine/inline_executor.h"
#include "tailrace/plan/verify.h"

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

// Everything on this thread, which is a worker already or the only one there is.
[[gnu::noinline]] void run_here(Frame& f) noexcept {
  InlineExecutor here(*f.executor);
  f.executor = &here;
  f.refs.store(2, relaxed);
  drive(entry_of(f), Thread::worker);
  while (!is_done(f) && here.run_one()) {
  }
  if (!is_done(f)) expire(f, f.engine->is_stopping() ? Code::shutting_down : Code::internal_error);
  while (here.run_one()) {
  }  // arms that lost
}

void on_deadline(Timer& timer) noexcept {
  Frame& f = *reinterpret_cast<Frame*>(reinterpret_cast<char*>(&timer) - offsetof(Frame, timer));
  EngineState& engine = *f.engine;
  expire(f, Code::deadline_missed);
  release(f);
  engine.outside.fetch_sub(1, std::memory_order_release);
}

// From here on stop() can find the request; it may have looked already.
void answer_if_stopping(Frame& f) noexcept {
  if (f.engine->is_stopping()) [[unlikely]]
    expire(f, Code::shutting_down);
}

// Hands a request to the executor. The caller keeps one reference, where nobody takes it over.
void start_elsewhere(Frame& f) noexcept {
  f.set_live(f.program->input_live);
  f.shared = true;
  f.armed = f.timed;
  f.refs.store((f.timed ? 3u : 2u | open_bit) | (f.handle ? handle_bit : 0));
  if (f.timed) {
    f.engine->outside.fetch_add(1, relaxed);
    f.timer.fire = on_deadline;
    f.executor->wake_at(f.head.request.deadline, f.timer);
    f.refs.fetch_or(open_bit);  // only now: whoever answers it disarms the timer
  }
  if (f.engine->threadless) f.timed = true;  // so that it may yield at every block
  answer_if_stopping(f);
  spawn(entry_of(f));
}

// The caller's thread has done what it could, and others hold the frame: waits for the answer, until the deadline.
void wait_for_answer(Frame& f) noexcept {
  f.refs.fetch_or(open_bit);
  answer_if_stopping(f);
  wait_for(f, f.head.request.deadline);
  if (!is_done(f)) expire(f, Code::deadline_missed);
  wait_for(f, never);  // whoever claimed it is about to complete it
}

// A reference on a submitted request that is still under way; false: there is none in this frame.
bool find_open(Frame& f) noexcept {
  auto refs = f.refs.load();
  while ((refs & open_bit) && (refs & refs_mask))
    if (f.refs.compare_exchange_weak(refs, refs + 1, std::memory_order_acq_rel)) return true;
  return false;
}

// Whether every frame that is out belongs to a handle: no caller is inside run() any more.
bool only_handles_left(const FramePool& pool) noexcept {
  const auto out = pool.out();
  std::uint32_t with_handle = 0;
  for (std::uint32_t i = 0; i < pool.count(); ++i) {
    const auto refs = pool.at(i)->refs.load();
    with_handle += (refs & handle_bit) && (refs & refs_mask);
  }
  return out == with_handle;
}

// Handles may keep the state alive for long, but not what users wrote.
void forget_user_code(Program& p) noexcept {
  p.contexts.clear();
  for (Control& c : p.controls) {
    c.test = {};
    c.exits.clear();
    if (c.element) forget_user_code(*c.element);
  }
}

[[gnu::noinline]] void refuse(const EngineState& e, Code code, Error& refusal) noexcept {
  refusal = Error(code, meaning(code));
  e.observe({Event::Kind::refused, code, 0, {}, meaning(code)});
}

TimePoint deadline_of(const Request& request, TimePoint now) noexcept {
  if (request.within == Duration{}) return request.deadline;
  const TimePoint by = request.within < never - now ? now + request.within : never;
  return by < request.deadline ? by : request.deadline;
}
// The request's deadline; the least time there is where it has passed.
[[gnu::noinline]] TimePoint open_deadline(const Request& request, const Executor& executor) noexcept {
  const TimePoint now = executor.now(), deadline = deadline_of(request, now);
  return deadline > now ? deadline : TimePoint::min();
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

void FrameRef::drop() noexcept {
  Frame& f = *frame_;
  EngineState* engine = f.handle ? f.engine : nullptr;
  if (f.shared && answered() && (f.refs.load(relaxed) & refs_mask) > 1) {
    f.held = true;  // a loser has it still, but its request is over
    f.program->pool.hold();
  }
  detail::release(f);
  if (engine) engine->leave();
}

// ---- EngineCore

Built<EngineCore> EngineCore::start(std::shared_ptr<const PlanData> plan, const Limits& limits,
                                    std::shared_ptr<Executor> executor, std::shared_ptr<Observer> observer) {
  Problems problems = verify(*plan);
  const auto frames = std::uint64_t{limits.max_in_flight} + limits.max_losers;
  if (limits.max_in_flight == 0 || frames > FramePool::max_frames)
    problems.add(Code::bad_value, "max_in_flight",
                 "max_in_flight must be at least 1, and with max_losers at most 1048575");
  if (!executor) problems.add(Code::bad_value, "executor", "an engine needs an executor; got a null pointer");
  if (!problems.empty()) return problems;
  try {
    auto state = std::make_unique<EngineState>();
    state->program = compile(*plan->graph, plan->choices.root, "");
    allocate_frames(*state->program, limits.max_in_flight, limits.max_losers, std::max(1u, executor->concurrency()));
    state->executor = std::move(executor);
    state->observer = std::move(observer);
    state->max_in_flight = limits.max_in_flight;
    state->threadless = state->executor->concurrency() == 0;
    return EngineCore(state.release());
  } catch (const std::bad_alloc&) {
    return Problems(Code::out_of_memory, "max_in_flight",
                    "there is not enough memory for that many requests in flight");
  }
}

EngineCore::~EngineCore() {
  if (!state_) return;
  stop();
  while (const auto outside = state_->outside.load(std::memory_order_acquire))
    state_->executor->wait(state_->outside, outside, state_->executor->now() + std::chrono::milliseconds(1));
  const std::atomic<std::uint32_t> forever{0};
  while (!only_handles_left(state_->program->pool))
    state_->executor->wait(forever, 0, state_->executor->now() + std::chrono::milliseconds(1));
  forget_user_code(*state_->program);
  state_->leave();
}

FrameRef EngineCore::admit(const Request& request, Error& refusal) const noexcept {
  EngineState& e = *state_;
  const bool timed = request.within != Duration{} || request.deadline != never;
  TimePoint deadline = never;
  Code refused = Code::none;
  if (e.stopping.halt.load(std::memory_order_acquire)) refused = Code::shutting_down;
  else if (timed && (deadline = open_deadline(request, *e.executor)) == TimePoint::min())
    refused = Code::deadline_missed;
  Frame* f = nullptr;
  if (refused == Code::none && !(f = e.program->pool.take(e.max_in_flight))) refused = Code::overloaded;
  if (refused != Code::none) [[unlikely]]
    return refuse(e, refused, refusal), FrameRef();
  reset(*f);
  f->engine = &e;
  f->executor = e.executor.get();
  f->head.request = {deadline, &e.stopping, nullptr};
  f->timed = timed;
  f->refs.store(1, relaxed);
  return FrameRef(f);
}

void EngineCore::run(FrameRef& frame) const noexcept {
  Frame& f = *frame.get();
  f.set_live(f.program->input_live);
  if (f.engine->threadless || tasks_running) {
    run_here(f);
  } else {
    f.refs.store(2, relaxed);
    drive(entry_of(f), Thread::borrowed);
    if (!is_done(f)) return wait_for_answer(f);
  }
  if (f.timed && f.executor->now() > f.head.request.deadline) {
    f.late = true;
    state_->observe({Event::Kind::late, f.code, 0, {}, {}});
  }
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

Ticked EngineCore::tick(Duration budget) const noexcept { return state_->executor->tick(budget); }

void EngineCore::stop() const noexcept {
  state_->stopping.halt.store(stopped);
  const FramePool& pool = state_->program->pool;
  for (std::uint32_t i = 0; i < pool.count(); ++i) {
    Frame& f = *pool.at(i);
    if (!find_open(f)) continue;
    expire(f, Code::shutting_down);
    release(f);
  }
}

EngineFigures EngineCore::figures() const noexcept {
  const Program& p = *state_->program;
  const auto count = [](const auto& list) { return static_cast<std::uint32_t>(list.size()); };
  return {count(p.blocks), count(p.code), count(p.regions), p.frame_bytes, p.pool.count()};
}

}  // namespace tailrace::detail
