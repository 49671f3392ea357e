#include "engine/frame.h"

#include "engine/cascade.h"
#include "engine/cut_off.h"
#include "engine/drive.h"
#include "engine/hedge.h"
#include "engine/lifetime.h"
#include "engine/shed.h"
#include "engine/trace.h"
#include "engine/turn.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

std::string_view words_for(Code code) noexcept {
  switch (code) {
    case Code::deadline_missed: return "the deadline passed before there was an answer";
    case Code::cancelled: return "the request was cancelled";
    case Code::shutting_down: return "the engine was stopped";
    default: return meaning(code);
  }
}

// ---- which arms were on the answer's way

bool has_rungs(Kind kind) noexcept { return kind == Kind::cascade || kind == Kind::staged; }
std::uint32_t chosen_arm(Frame& f, const Control& c) noexcept {  // number + 1; 0: none
  ControlWords& w = f.words(c);
  return has_rungs(c.kind) ? w.b.load(relaxed) & rung_bits : w.a.load(relaxed);
}
// Whether the answer came through this arm: it was chosen, or stands before the stage of a staged that answered.
bool led_on(Frame& f, const Region& r) noexcept {
  if (r.role == Role::branch) return true;
  const auto chosen = chosen_arm(f, *r.control);
  return r.role == Role::stage ? chosen > r.arm : chosen == r.arm + 1;
}
bool on_path(Frame& f, const Control& c) noexcept {
  for (const Region* r = c.around; r->control; r = r->control->around)
    if (!led_on(f, *r)) return false;
  return chosen_arm(f, c) != 0;
}
// Whether a cascade or a staged on the answer's way was left so.
bool was_left(Frame& f, std::uint32_t why) noexcept {
  for (const Control& c : f.program->controls)
    if (has_rungs(c.kind) && f.words(c).b.load(relaxed) & why && on_path(f, c)) return true;
  return false;
}
// Whether a hedge on the answer's way started its second call.
bool was_hedged(Frame& f) noexcept {
  for (const Control& c : f.program->controls)
    if (c.kind == Kind::hedge && f.words(c).b.load(relaxed) & copied && on_path(f, c)) return true;
  return false;
}
bool has_winner(Kind kind) noexcept { return kind == Kind::race || kind == Kind::quorum || kind == Kind::hedge; }
// The last one of these kinds on the answer's way; of one inside another the outer one, which is nearer to the answer.
std::int16_t last_choice(Frame& f, bool (*wanted)(Kind)) noexcept {
  const auto& controls = f.program->controls;
  const auto last = std::find_if(controls.rbegin(), controls.rend(),
                                 [&](const Control& c) { return wanted(c.kind) && on_path(f, c); });
  if (last == controls.rend()) return -1;
  const Control* found = &*last;
  for (const Region* r = found->around; r->control; r = r->control->around)
    if (wanted(r->control->kind)) found = r->control;
  return static_cast<std::int16_t>(chosen_arm(f, *found) - 1);
}

[[gnu::noinline]] void add_choices(Frame& f, Facts& facts) noexcept {
  facts.anytime = facts.anytime || was_left(f, cut_short);
  facts.fallback = was_left(f, fallback_bit);
  facts.hedged = was_hedged(f);
  facts.rung = last_choice(f, has_rungs);
  facts.winner = last_choice(f, has_winner);
}

// Apart, so that complete() needs no room for an Error.
[[gnu::noinline]] void observe_answer(Frame& f) noexcept {
  const Error error = f.answer ? Error() : error_of(f);
  tell(f, {Event::Kind::answered, f.answer ? Code::none : error.code(), 0, error.where(), error.what()});
}

// Where nobody watches deadlines while a stage runs, its answer may come past one.
[[gnu::noinline]] void look_whether_late(Frame& f) noexcept {
  if (f.answer && !f.anytime && f.executor->now() > f.head.request.deadline) mark_late(f);
}

void deliver_now(Frame& f) noexcept {
  const EngineState& engine = *f.engine;
  const std::uint64_t id = engine.observer ? request_id(f) : 0;
  FrameRef answered(&f);  // the reference that the request kept for its callback
  try {
    f.deliver(answered, f.callback);
  } catch (...) {
    const Error error = thrown();
    engine.observe({Event::Kind::callback_failed, error.code(), 0, {}, error.what(), id});
  }
}
void run_delivery(Task& task) noexcept {
  Frame& f = *reinterpret_cast<Frame*>(reinterpret_cast<char*>(&task) - offsetof(Frame, delivery));
  EngineState& engine = *f.engine;
  ++tasks_running;
  deliver_now(f);
  --tasks_running;
  engine.outside.fetch_sub(1, std::memory_order_release);
}
// The callback's call: here if this is a worker, else on one.
void deliver(Frame& f) noexcept {
  if (!f.apart && f.executor->on_worker()) return deliver_now(f);
  f.engine->outside.fetch_add(1, relaxed);
  f.delivery.run = run_delivery;
  f.executor->spawn(f.delivery);
}

}  // namespace

void EngineState::leave() noexcept {
  if (owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

namespace {

[[gnu::always_inline]] inline void return_to_pool(Frame& f, bool held) noexcept {
  cleanup(f);
  Program& p = *f.program;
  Frame* parent = std::exchange(f.parent, nullptr);
  f.refs.store(0, relaxed);
  if (f.spare.load(relaxed)) p.spare.fetch_add(1, relaxed);
  if (f.extra) p.extra.fetch_add(1, relaxed);
  if (held || !p.pool.give_back_quietly(&f)) [[unlikely]]
    give_back_loudly(f);
  if (parent) release(*parent);
}
[[gnu::noinline]] void recycle_special(Frame& f) noexcept {
  EngineState& engine = *f.engine;
  engine.outside.fetch_add(1, relaxed);
  if (f.ranked && std::exchange(f.more.ordered, false)) engine.streams.leave(f.more.stream);  // it never began
  const OnRelease call = forget_special(f);
  return_to_pool(f, f.held);
  call_on_release(engine, call);
  engine.outside.fetch_sub(1, std::memory_order_release);
}

}  // namespace

void recycle(Frame& f) noexcept {
  if (f.special) [[unlikely]]
    return recycle_special(f);
  return_to_pool(f, false);
}

OnRelease forget_special(Frame& f) noexcept {
  // Waits where it is cancelling the request at this moment.
  if (auto* listener = std::exchange(f.more.listener, nullptr)) listener->~stop_callback();
  f.more.token = {};
  return std::exchange(f.more.on_release, {});
}

void call_on_release(const EngineState& engine, OnRelease call) noexcept {
  if (!call) return;
  ++tasks_running;  // it may be on a timer's thread, which must not wait for room
  try {
    call();
  } catch (...) {
    const Error error = thrown();
    engine.observe({Event::Kind::callback_failed, error.code(), 0, {}, error.what()});
  }
  --tasks_running;
}

void Special::Cancel::operator()() const noexcept { expire(*frame, Code::cancelled, true); }

void listen_for_stop(Frame& f) noexcept {
  if (f.program->request_trace) trace_begin(f);  // before another thread can answer it
  if (f.more.token.stop_possible())
    f.more.listener = ::new (f.more.listener_memory) Special::Listener(std::move(f.more.token), Special::Cancel{&f});
}

void reset(Frame& f) noexcept {
  // What most flows need in four stores; states begin on a multiple of 64, and so does what follows them.
  constexpr std::uint32_t line = 64;
  char* const states = f.base() + sizeof(Frame);
  std::memset(states, 0, line);
  if (f.program->state_bytes > line) std::memset(states + line, 0, f.program->state_bytes - line);
  f.state.store(0, relaxed);
  f.spare.store(false, relaxed);
  f.shared = f.timed = f.clocked = f.armed = f.extra = f.held = f.handle = false;
  f.code = Code::none;
  f.answer = 0;
  f.anytime = f.late = f.apart = f.special = f.noted = f.ranked = false;
  f.deliver = nullptr;
}

void cleanup(Frame& f) noexcept {
  for (const Owned& o : f.program->owned)
    if (char& live = f.at<char>(o.live); live) {
      live = 0;
      o.type->destroy(f.base() + o.slot);
    }
}

void cleanup_all_but(Frame& f, std::uint32_t slot) noexcept {
  for (const Owned& o : f.program->owned)
    if (char& live = f.at<char>(o.live); live && o.slot != slot) {
      live = 0;
      o.type->destroy(f.base() + o.slot);
    }
}

// Two may want it at once: a thread that runs its stages, and one that lets go of its answer.
bool take_spare(Frame& f) noexcept {
  if (f.spare.load(relaxed)) return true;
  if (f.program->spare.fetch_sub(1, relaxed) <= 0) {
    f.program->spare.fetch_add(1, relaxed);
    return false;
  }
  if (f.spare.exchange(true, relaxed)) f.program->spare.fetch_add(1, relaxed);
  return true;
}

void mark_late(Frame& f) noexcept {
  f.late = true;
  f.engine->late.fetch_add(1, relaxed);
  observe(f, {Event::Kind::late, f.code, 0, {}, {}});
}

namespace {

// An answer that is older than one that has gone out for its stream does not.
void take_place_in_order(Frame& f) noexcept {
  if (!f.answer) return f.engine->streams.leave(f.more.stream);
  if (f.engine->streams.deliver(f.more.stream, f.more.stamp)) return;
  f.answer = 0;
  f.anytime = false;
  f.code = Code::superseded;
}

// An error that a stage gave says nothing of how long an answer takes.
[[gnu::noinline]] void note_answer(Frame& f) noexcept {
  const bool in_time = f.answer && !f.anytime;
  if (f.answer || f.code != Code::none) tell_sites(f, in_time ? AdmitSample::Kind::answer : AdmitSample::Kind::missed);
  if (f.ranked && std::exchange(f.more.ordered, false)) take_place_in_order(f);
  if (f.clocked) close_account(f);
}

}  // namespace

void complete(Frame& f) noexcept {
  if (f.noted) [[unlikely]]
    note_answer(f);
  if (f.armed && f.executor->cancel(f.timer)) {
    f.engine->resting.fetch_sub(1, relaxed);
    f.engine->outside.fetch_sub(1, relaxed);
    release(f);  // the timer's reference; the caller has its own
    if (f.engine->threadless) [[unlikely]]
      look_whether_late(f);
  }
  if (f.engine->observer) [[unlikely]]
    observe_answer(f);
  if (f.deliver) return deliver(f);
  if (!f.shared) return f.state.store(claimed | done, relaxed);
  if (f.state.fetch_or(done, std::memory_order_acq_rel) & waiting) f.executor->wake(f.state);
}

bool supersede(Frame& f) noexcept {
  if (!take_spare(f) || !claim(f)) return false;
  f.code = Code::superseded;
  hold(f);  // whoever waits for its answer does not keep its place
  halt_regions(f, 0, static_cast<std::uint32_t>(f.program->regions.size()));
  complete(f);
  return true;
}

void expire(Frame& f, Code code, bool apart) noexcept {
  if (!claim(f)) return;
  f.apart = apart;
  if (const Control* c = f.program->anytime; c && (code == Code::deadline_missed || code == Code::would_miss))
    if (const auto best = f.words(*c).a.load(std::memory_order_acquire)) {
      f.words(*c).b.fetch_or(best, relaxed);
      f.answer = answer_of(*c, best - 1);
      f.anytime = true;
    }
  if (!f.answer) f.code = code;
  halt_regions(f, 0, static_cast<std::uint32_t>(f.program->regions.size()));
  complete(f);
}

Error error_of(Frame& f) noexcept {
  if (f.code != Code::none) return {f.code, words_for(f.code)};
  const Region& top = f.program->regions.front();
  const RegionState& s = f.region_state(top);
  return {s.code, s.where ? s.where : "", text_of(f, top)};
}

Facts facts_of(Frame& f) noexcept {
  Facts facts;
  facts.anytime = f.anytime;
  facts.late = f.late;
  if (!f.program->controls.empty() && f.answer) add_choices(f, facts);
  return facts;
}

Frame& root_of(Frame& f) noexcept {
  Frame* root = &f;
  while (root->parent) root = root->parent;
  return *root;
}

std::uint64_t request_id(Frame& f) noexcept {
  const Frame& root = root_of(f);
  return root.ranked ? root.more.id : 0;
}

// ---- regions

void halt_regions(Frame& f, std::uint32_t first, std::uint32_t last) noexcept {
  for (auto r = first; r < last; ++r) {
    std::uint32_t expected = running;
    f.region_state(r).flag.halt.compare_exchange_strong(expected, stopped);  // before it looks at queues
  }
  if (f.program->queues) leave_queues(f, first, last);
  if (f.program->timers) leave_timers(f, first, last);
}

bool begin_failing(Frame& f, const Region& r) noexcept {
  std::uint32_t expected = running;
  return f.region_state(r).flag.halt.compare_exchange_strong(expected, failing, std::memory_order_acq_rel);
}

void end_failing(Frame& f, const Region& r, Code code, const char* where, std::string_view text) noexcept {
  RegionState& s = f.region_state(r);
  s.code = code;
  s.where = where;
  s.text_size = static_cast<std::uint8_t>(std::min<std::size_t>(text.size(), text_bytes));
  std::memmove(f.base() + r.text, text.data(), s.text_size);
  halt_regions(f, r.first + 1, r.last);
  if (f.program->queues) leave_queues(f, r.first, r.first + 1);  // its elements
  if (f.program->timers) leave_timers(f, r.first, r.first + 1);
  s.flag.halt.store(failed, std::memory_order_release);
}

bool set_failed(Frame& f, const Region& r, Code code, const char* where, std::string_view text) noexcept {
  if (!begin_failing(f, r)) return false;
  end_failing(f, r, code, where, text);
  return true;
}

std::string_view text_of(Frame& f, const Region& r) noexcept {
  return {f.base() + r.text, f.region_state(r).text_size};
}

void fail_stage(Frame& f, const Region& r, const char* where, const Error& error) noexcept {
  const Code code = error.code() == Code::none ? Code::stage_failed : error.code();
  if (set_failed(f, r, code, where, error.what()) && f.engine->observer)
    tell_stage(f, r, {Event::Kind::stage_failed, code, 0, where, error.what()});
}

void fail_instruction(const Instruction& i, char* frame, const Error& error) noexcept {
  Frame& f = *reinterpret_cast<Frame*>(frame);
  const Program& p = *f.program;
  const Region& r = p.regions[(i.region - p.states) / sizeof(RegionState)];
  fail_stage(f, r, p.names[static_cast<std::size_t>(&i - p.code.data())].c_str(), error);
}

}  // namespace tailrace::detail
