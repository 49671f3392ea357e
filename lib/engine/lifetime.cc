#include "engine/lifetime.h"

#include <algorithm>
#include <new>

#include "engine/admission.h"
#include "engine/drive.h"
#include "engine/running.h"
#include "engine/runtime.h"
#include "tailrace/plan/verify.h"

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// ---- programs

// Frees what a replaced program held, if its last frame is back. The shell stays: a thread that is about to look for a
// frame in it finds its pool closed.
void clear_if_over(EngineState& e, Program& p) noexcept {
  std::unique_ptr<Compiled> gone;  // users' stages are destroyed without the lock
  const std::lock_guard lock(e.mutex);
  if (&p == e.latest || !p.husk || !p.pool.is_over()) return;
  gone = std::move(p.husk);
  *gone = std::move(static_cast<Compiled&>(p));
  p.pool.clear();
}

// Calls visit(program) for every program that has frames, and keeps it where it is meanwhile.
template <class F>
void for_each_program(EngineState& e, F visit) noexcept {
  for (std::size_t i = 0;; ++i) {
    Program* p;
    {
      const std::lock_guard lock(e.mutex);
      if (i == e.programs.size()) return;
      p = e.programs[i].get();
      if (p->pool.count() == 0) continue;
      p->pool.pin();
    }
    visit(*p);
    p->pool.unpin();
    clear_if_over(e, *p);
  }
}

// A program that nobody uses, or a new one. REQUIRES: the engine's mutex is held. Throws std::bad_alloc.
Program& empty_program(EngineState& e) {
  for (auto& p : e.programs)
    if (p->pool.count() == 0 && p.get() != e.latest) return *p;
  return *e.programs.emplace_back(std::make_unique<Program>());
}

EngineFigures figures_of(const Program& p) noexcept {
  const auto count = [](const auto& list) { return static_cast<std::uint32_t>(list.size()); };
  return {count(p.blocks), count(p.code), count(p.regions), p.frame_bytes, p.pool.count(), 0, 0, 0, 0, 0, 0};
}

std::uint32_t waiting_at_stations(const Compiled& p) noexcept {
  std::uint32_t waiting = 0;
  for (const auto& station : p.stations) waiting += station->waiting();
  for (const Control& c : p.controls)
    if (c.element) waiting += waiting_at_stations(*c.element);
  return waiting;
}

void add_queues(const Compiled& p, std::vector<QueueView>& queues) {
  for (const auto& station : p.stations) {
    const auto block = std::find_if(p.blocks.begin(), p.blocks.end(),
                                    [&](const Block& b) { return b.station == station.get() && b.first != b.last; });
    if (block == p.blocks.end()) continue;
    const StationSpec& spec = station->spec();
    queues.push_back({p.names[static_cast<std::size_t>(block->first - p.code.data())],
                      spec.per_stream ? 0 : spec.limit,
                      {station, &station->waiting_count()}});
  }
  for (const Control& c : p.controls)
    if (c.element) add_queues(*c.element, queues);
}

void add_copies(EngineFigures& sum, const Compiled& p) noexcept {
  for (const auto& site : p.hedges) {
    sum.copies += site->copies();
    sum.copies_won += site->won();
    sum.copies_refused += site->refused();
  }
  for (const Control& c : p.controls)
    if (c.element) add_copies(sum, *c.element);
}

// From here on requests go to the program. REQUIRES: the engine's mutex is held.
void make_current(EngineState& e, Program& p) noexcept {
  if (e.first_waiting) p.pool.set_queued(true);
  e.latest = &p;
  e.current.store(&p, std::memory_order_release);
}

// No new request gets in from here on.
void close(EngineState& e) noexcept {
  const std::lock_guard lock(e.mutex);
  e.current.store(nullptr);
  turn_away(e);
  e.latest->pool.close();
}

// ---- frames

// A reference on a submitted request that is still under way; false: there is none in this frame.
bool find(Frame& f, std::uint32_t which) noexcept {
  auto refs = f.refs.load();
  while ((refs & which) && (refs & refs_mask))
    if (f.refs.compare_exchange_weak(refs, refs + 1, std::memory_order_acq_rel)) return true;
  return false;
}

// Whether all frames that are out hold answers that wait in handles.
bool only_answers_left(const FramePool& pool) noexcept {
  const auto out = pool.out();
  std::uint32_t waiting = 0;
  for (std::uint32_t i = 0; i < pool.count(); ++i) {
    const Frame& f = *pool.at(i);
    const auto refs = f.refs.load();
    waiting += (refs & handle_bit) && (refs & refs_mask) && (f.state.load() & done);
  }
  return out == waiting && pool.pins() == 0;
}
bool is_quiet(EngineState& e) noexcept {
  if (e.outside.load(std::memory_order_acquire)) return false;
  const std::lock_guard lock(e.mutex);
  for (const auto& p : e.programs)
    if (!only_answers_left(p->pool)) return false;
  return e.outside.load(std::memory_order_acquire) == 0;
}
// Waits until no user code runs and nothing but answers is left; false: `until` has passed.
bool wait_until_quiet(EngineState& e, TimePoint until) noexcept {
  const std::atomic<std::uint32_t> forever{0};
  while (!is_quiet(e)) {
    const TimePoint now = e.executor->now();
    if (until != never && now >= until) return false;
    const TimePoint soon = std::min(until, now + std::chrono::milliseconds(1));
    if (const auto outside = e.outside.load(std::memory_order_acquire)) e.executor->wait(e.outside, outside, soon);
    else e.executor->wait(forever, 0, soon);
  }
  return true;
}

// Of an answered request that a handle keeps, nothing but the answer.
void keep_answer_only(Frame& f) noexcept {
  cleanup_all_but(f, f.answer);
  if (!f.special) return;
  const OnRelease call = forget_special(f);
  f.special = false;
  call_on_release(*f.engine, call);
}

// Handles may keep the state alive for long, but not what users wrote.
void forget_user_code(Program& p) noexcept {
  p.contexts.clear();
  p.stations.clear();
  p.hedges.clear();
  for (Control& c : p.controls) {
    c.test = {};
    c.exits.clear();
    if (c.element) forget_user_code(*c.element);
  }
}

}  // namespace

void give_back_loudly(Frame& f) noexcept {
  EngineState& e = *f.engine;
  Program& p = *f.program;
  e.outside.fetch_add(1, relaxed);
  p.pool.give_back(&f, f.held);
  if (p.pool.queued()) {
    const std::lock_guard lock(e.mutex);
    let_in(e);
  }
  if (p.pool.closed()) clear_if_over(e, p);
  e.outside.fetch_sub(1, std::memory_order_release);
}

Program* keep_latest(EngineState& e) noexcept {
  const std::lock_guard lock(e.mutex);
  Program* const p = e.current.load(relaxed);
  if (p) p->pool.pin();
  return p;
}
void let_go_of(EngineState& e, Program& p) noexcept {
  p.pool.unpin();
  if (p.pool.closed()) clear_if_over(e, p);
}
bool find_submitted(Frame& f) noexcept { return find(f, open_bit); }

void hold(Frame& f) noexcept {
  f.held = true;
  if (!f.special) f.special = true;  // others may be reading it
  f.program->pool.hold();
  if (!f.program->pool.queued()) return;
  const std::lock_guard lock(f.engine->mutex);
  let_in(*f.engine);
}

// ---- EngineCore

namespace {

Program& add_program(EngineState& e, Compiled&& compiled) {
  Program& p = empty_program(e);
  static_cast<Compiled&>(p) = std::move(compiled);
  p.asks =
      e.threadless || e.max_running != unlimited || (e.shares_threads && !(p.controls.empty() && p.stations.empty()));
  allocate_frames(p, e.max_in_flight, e.max_losers, std::max(1u, e.executor->concurrency()), e.memory);
  e.figures = figures_of(p);
  return p;
}
bool wants_stages(const EngineState& e) noexcept {
  return e.observer && e.observer->detail() == Observer::Detail::stages;
}

std::unique_ptr<Program> compile_for(EngineState& e, const PlanData& plan) {
  return compile(*plan.graph, plan.choices.root, e.runtime->stations(),
                 {e.policies.get(), wants_stages(e), e.shed, &e.memory});
}

Problems verified(const PlanData& plan, const PolicyCatalog* policies) {
  Problems problems = verify(plan);
  if (!problems.empty()) return problems;
  return check_policies(*plan.graph, plan.choices.root, policies ? *policies : PolicyCatalog());
}
Problems no_memory() {
  return Problems(Code::out_of_memory, "max_in_flight", "there is not enough memory for that many requests in flight");
}

}  // namespace

Built<EngineCore> EngineCore::start(std::shared_ptr<const PlanData> plan, const Limits& limits,
                                    std::shared_ptr<Executor> executor, std::shared_ptr<Observer> observer,
                                    const Runtime& runtime, std::shared_ptr<const PolicyCatalog> policies) {
  Problems problems = verified(*plan, policies.get());
  const auto frames = std::uint64_t{limits.max_in_flight} + limits.max_losers;
  if (limits.max_in_flight == 0 || frames > FramePool::max_frames)
    problems.add(Code::bad_value, "max_in_flight",
                 "max_in_flight must be at least 1, and with max_losers at most 1048575");
  if (limits.ageing < Duration{} || limits.ageing > policy::most_ageing)
    problems.add(Code::bad_value, "ageing", "ageing must be from 0 to 1 hour");
  if (!executor) problems.add(Code::bad_value, "executor", "an engine needs an executor; got a null pointer");
  if (!problems.empty()) return problems;
  try {
    auto state = std::make_unique<EngineState>(limits.memory ? *limits.memory : *std::pmr::new_delete_resource());
    state->runtime = runtime;
    state->policies = policies;
    state->executor = std::move(executor);
    state->observer = std::move(observer);
    state->max_in_flight = limits.max_in_flight;
    state->max_losers = limits.max_losers;
    state->max_running = limits.max_running;
    state->ageing = limits.ageing;
    state->shed = limits.shed;
    state->threadless = state->executor->concurrency() == 0;
    state->shares_threads = state->executor->shares_threads();
    auto compiled = compile_for(*state, *plan);
    make_current(*state, add_program(*state, std::move(*compiled)));
    return EngineCore(state.release());
  } catch (const std::bad_alloc&) {
    return no_memory();
  }
}

Problems EngineCore::replace(std::shared_ptr<const PlanData> plan) const {
  EngineState& e = *state_;
  Problems problems = verified(*plan, e.policies.get());
  if (!problems.empty()) return problems;
  Program* old = nullptr;
  try {
    const auto compiled = compile_for(e, *plan);
    auto husk = std::make_unique<Compiled>();
    const std::lock_guard lock(e.mutex);
    old = e.current.load(relaxed);
    if (!old) return Problems(Code::shutting_down, "replace", "the engine was stopped, and takes no other plan");
    Program& fresh = add_program(e, std::move(*compiled));
    old->husk = std::move(husk);
    make_current(e, fresh);
    old->pool.close();
    let_in(e);
  } catch (const std::bad_alloc&) {
    return no_memory();
  }
  clear_if_over(e, *old);
  return {};
}

std::vector<std::string> EngineCore::drain(TimePoint until) const {
  EngineState& e = *state_;
  close(e);
  if (tasks_running == 0 && !e.executor->on_worker() && wait_until_quiet(e, until)) return {};
  std::vector<std::string> names;
  for_each_program(e, [&](const Program& p) {
    try {
      add_running_stages(p, names);
    } catch (const std::bad_alloc&) {  // then fewer
    }
  });
  if (names.empty() && !is_quiet(e))
    names.push_back("no stage: a callback, a selector or a test, or what has not begun");
  return names;
}

void EngineCore::stop() const noexcept {
  EngineState& e = *state_;
  close(e);
  e.stopping.halt.store(stopped);
  for_each_program(e, [](const Program& p) {
    for (std::uint32_t i = 0; i < p.pool.count(); ++i) {
      Frame& f = *p.pool.at(i);
      if (!find(f, open_bit)) continue;
      expire(f, Code::shutting_down);
      release(f);
    }
  });
}

EngineCore::~EngineCore() {
  if (!state_) return;
  stop();
  EngineState& e = *state_;
  wait_until_quiet(e, never);
  for_each_program(e, [](const Program& p) {
    for (std::uint32_t i = 0; i < p.pool.count(); ++i) {
      Frame& f = *p.pool.at(i);
      if (!find(f, handle_bit)) continue;
      keep_answer_only(f);
      release(f);
    }
  });
  wait_until_quiet(e, never);  // handles that were dropped meanwhile
  for (auto& p : e.programs) forget_user_code(*p);
  e.executor.reset();
  e.observer.reset();
  e.runtime.reset();
  e.inline_executors.clear();
  e.leave();
}

EngineFigures EngineCore::figures() const noexcept {
  const std::lock_guard lock(state_->mutex);
  EngineFigures figures = state_->figures;
  for (const auto& p : state_->programs) figures.waiting += waiting_at_stations(*p);
  if (state_->latest) add_copies(figures, *state_->latest);
  figures.too_late = state_->too_late.load(relaxed);
  figures.late = state_->late.load(relaxed);
  return figures;
}

std::vector<QueueView> EngineCore::queues() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<QueueView> queues;
  if (state_->latest) add_queues(*state_->latest, queues);
  return queues;
}

}  // namespace tailrace::detail
