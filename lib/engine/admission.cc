#include "engine/admission.h"

#include <cstdio>

#include "engine/drive.h"
#include "engine/lifetime.h"
#include "engine/shed.h"
#include "engine/supersede.h"

namespace tailrace::detail {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

// ---- deadlines

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

// ---- waiting for room

void append(EngineState& e, Waiter& w) noexcept {
  (e.last_waiting ? e.last_waiting->next : e.first_waiting) = &w;
  e.last_waiting = &w;
}
void unlink(EngineState& e, Waiter& w) noexcept {
  Waiter* before = nullptr;
  for (Waiter* at = e.first_waiting; at != &w; at = at->next) before = at;
  (before ? before->next : e.first_waiting) = w.next;
  if (e.last_waiting == &w) e.last_waiting = before;
}
// The waiter may be gone when this returns.
void tell(EngineState& e, Waiter& w) noexcept {
  w.told.store(1, std::memory_order_release);
  e.executor->wake(w.told);
}

// Whether he now waits.
bool join_queue(EngineState& e, Waiter& w) noexcept {
  std::lock_guard lock(e.mutex);
  Program* p = e.current.load(relaxed);
  if (!p) return false;
  p->pool.set_queued(true);  // from here on whoever gives a frame back looks at the queue
  append(e, w);
  let_in(e);
  return true;
}
// Gives up waiting, unless he has been told already.
void leave_queue(EngineState& e, Waiter& w, Code why) noexcept {
  std::lock_guard lock(e.mutex);
  if (w.told.load(relaxed)) return;
  unlink(e, w);
  w.refused = why;
  tell(e, w);
  let_in(e);
}

struct Cancel {
  EngineState& engine;
  Waiter& waiter;
  void operator()() const noexcept { leave_queue(engine, waiter, Code::cancelled); }
};

void wait_until_told(EngineState& e, Waiter& w, TimePoint until) noexcept {
  while (!w.told.load(std::memory_order_acquire)) {
    if (until != never && e.executor->now() >= until) leave_queue(e, w, Code::deadline_missed);
    else e.executor->wait(w.told, 0, until);
  }
}

// A thread that is needed to make room must not wait for it.
bool may_wait(const EngineState& e) noexcept { return tasks_running == 0 && !e.executor->on_worker(); }

[[gnu::noinline]] Frame* wait_for_room(EngineState& e, const std::stop_token& stop, TimePoint until,
                                       Code& refused) noexcept {
  Waiter w;
  w.refused = Code::shutting_down;
  if (join_queue(e, w)) {
    const std::stop_callback cancel(stop, Cancel{e, w});
    wait_until_told(e, w, until);
  }
  refused = w.frame ? Code::none : w.refused;
  return w.frame;
}

// ---- frames

// A frame at once, or why there is none.
Frame* take_frame(EngineState& e, Code& refused) noexcept {
  for (;;) {
    Program* p = e.current.load(std::memory_order_acquire);
    bool closed = false;
    if (!p) return refused = Code::shutting_down, nullptr;
    if (Frame* f = p->pool.take(e.max_in_flight, closed)) return f;
    if (!closed) return refused = Code::overloaded, nullptr;  // otherwise there is another program by now
  }
}

[[gnu::noinline]] void refuse(const EngineState& e, Code code, Error& refusal, const Request& request,
                              Duration retry = {}) noexcept {
  refusal = Error(code, meaning(code));
  if (code == Code::overloaded) {
    char text[Error::what_capacity];
    std::snprintf(text, sizeof text, "%s: max_in_flight is %u; try again when an answer has come or been taken",
                  meaning(code).data(), e.max_in_flight);
    refusal = Error(code, text);
  }
  refusal.set_retry_after(retry);
  e.observe({Event::Kind::refused, code, 0, {}, refusal.what(), request.id});
  call_on_release(e, request.on_release);
}

// Of a frame that was taken for a request which is refused all the same.
[[gnu::noinline]] FrameRef turn_back(Frame& f, Code code, Error& refusal, const Request& request,
                                     Duration retry) noexcept {
  const EngineState& e = *f.engine;
  release(f);
  refuse(e, code, refusal, request, retry);
  return FrameRef();
}

inline void prepare(Frame& f, EngineState& e, TimePoint deadline, bool timed) noexcept {
  reset(f);
  f.engine = &e;
  f.executor = e.executor.get();
  f.head.request = {deadline, &e.stopping, nullptr};
  f.timed = timed;
  f.refs.store(1, relaxed);
}

bool says_more(const Request& r) noexcept {
  if (r.ordered || r.overload == Overload::latest) return true;
  const auto numbers = r.stream | r.id | static_cast<std::uint64_t>(r.priority) |
                       static_cast<std::uint64_t>(r.stamp.time_since_epoch().count());
  return numbers || r.stop.stop_possible() || r.on_release || r.timing;
}
[[gnu::noinline]] void note(Frame& f, const Request& r) noexcept {
  f.special = f.ranked = true;
  f.more.priority = r.priority;
  f.more.stream = r.stream;
  f.more.id = r.id;
  f.more.stamp = r.stamp;
  f.more.entry = r.overload == Overload::latest ? f.engine->entries.fetch_add(1, relaxed) + 1 : 0;
  f.more.ordered = r.ordered;
  f.more.token = r.stop;
  f.more.on_release = r.on_release;
  if (r.ordered || r.timing || r.stop.stop_possible()) {
    if (has_deadline(f)) watch(f);  // while nobody else can answer it
    f.noted = true;
  }
  // Like a deadline, a stop token may answer the request while a stage runs.
  if (r.stop.stop_possible()) f.timed = f.shared = true;
  if (!r.timing) return;
  f.timed = f.clocked = true;
  f.more.account.open(f.executor->now());
}

// A frame in the place of an older request of the stream, or null.
Frame* take_place(EngineState& e, std::uint64_t stream, Code& refused) noexcept {
  while (supersede_oldest(e, stream)) {
    if (Frame* f = take_frame(e, refused)) return f;
    if (refused != Code::overloaded) break;
  }
  return nullptr;
}

// What admit() does where its first try gave no frame: looks again, waits, refuses.
[[gnu::noinline]] Frame* try_harder(EngineState& e, const Request& request, TimePoint deadline, Code refused,
                                    Error& refusal) noexcept {
  Frame* f = refused == Code::none ? take_frame(e, refused) : nullptr;
  const bool waits = refused == Code::overloaded && request.overload == Overload::wait && may_wait(e);
  if (waits) {
    e.outside.fetch_add(1, relaxed);  // a caller that destruction waits for
    f = wait_for_room(e, request.stop, deadline, refused);
  }
  if (refused == Code::overloaded && request.overload == Overload::latest) f = take_place(e, request.stream, refused);
  if (!f) refuse(e, refused, refusal, request, refused == Code::overloaded ? time_of_one(e) : Duration{});
  if (waits) e.outside.fetch_sub(1, std::memory_order_release);
  return f;
}

}  // namespace

void let_in(EngineState& e) noexcept {
  Program* p = e.current.load(relaxed);
  if (!p || !p->pool.queued()) return;
  while (Waiter* w = e.first_waiting) {
    Frame* f = p->pool.take_queued(e.max_in_flight);
    if (!f) return;
    if (!(e.first_waiting = w->next)) e.last_waiting = nullptr;
    w->frame = f;
    tell(e, *w);
  }
  p->pool.set_queued(false);
}

void turn_away(EngineState& e) noexcept {
  while (Waiter* w = e.first_waiting) {
    e.first_waiting = w->next;
    w->refused = Code::shutting_down;
    tell(e, *w);
  }
  e.last_waiting = nullptr;
}

FrameRef EngineCore::admit(Error& refusal) const noexcept {
  EngineState& e = *state_;
  Program* const p = e.current.load(std::memory_order_acquire);
  Frame* f = p ? p->pool.take(e.max_in_flight) : nullptr;
  if (!f) [[unlikely]] {
    if (!(f = try_harder(e, {}, never, Code::none, refusal))) return FrameRef();
  }
  prepare(*f, e, never, false);
  return FrameRef(f);
}

FrameRef EngineCore::admit(const Request& request, Error& refusal) const noexcept {
  EngineState& e = *state_;
  const bool timed = request.within != Duration{} || request.deadline != never;
  TimePoint deadline = never;
  Code refused = Code::none;
  Frame* f = nullptr;
  Program* const p = e.current.load(std::memory_order_acquire);
  if (!p) refused = Code::shutting_down;
  else if (request.stop.stop_requested()) refused = Code::cancelled;
  else if (timed && (deadline = open_deadline(request, *e.executor)) == TimePoint::min())
    refused = Code::deadline_missed;
  else f = p->pool.take(e.max_in_flight);
  if (!f) [[unlikely]] {
    if (!(f = try_harder(e, request, deadline, refused, refusal))) return FrameRef();
  }
  prepare(*f, e, deadline, timed);
  Duration retry{};
  if (timed && f->program->queues) [[unlikely]] {
    watch(*f);
    if (is_hopeless(*f, request.priority, retry)) return turn_back(*f, Code::would_miss, refusal, request, retry);
  }
  if (request.ordered && !e.streams.enter(request.stream)) [[unlikely]]
    return turn_back(*f, Code::out_of_memory, refusal, request, {});
  if (says_more(request)) [[unlikely]]
    note(*f, request);
  return FrameRef(f);
}

}  // namespace tailrace::detail
