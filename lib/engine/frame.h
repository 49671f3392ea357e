#pragma once
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/inline_executor.h"
#include "engine/program.h"
#include "engine/stream_order.h"
#include "engine/timing.h"
#include "tailrace/core/observer.h"
#include "tailrace/core/outcome.h"
#include "tailrace/engine/engine.h"
#include "tailrace/engine/executor.h"
#include "tailrace/engine/runtime.h"

// One request's memory while it runs. What travels between threads is a pointer to it; every holder has a reference.
namespace tailrace::detail {

// ---- what stands in a frame behind its header

enum Halt : std::uint32_t {
  running = 0,
  stopped = 1,  // from outside: cancelled, expired, lost, a sibling failed
  failing = 2,  // by itself: somebody is writing the error
  failed = 3,   // the error can be read
};
struct RegionState {
  StopFlag flag;
  Code code;
  std::uint8_t text_size;
  Atomic<std::uint16_t> at;  // number of the block that a thread is in; 0: in none
  const char* where;         // a C string of the program's or of this frame's
};
static_assert(offsetof(RegionState, flag) == 0 && sizeof(RegionState) == 16);

struct RegionTask : Task {
  Frame* frame;
  const Block* block;
};

// Two words whose meaning is the control's: see control.cc and each.cc. For cascades and stageds `b` carries, beside
// the rung that answered, why it did.
struct ControlWords {
  Atomic<std::uint32_t> a, b;
};
inline constexpr std::uint32_t fallback_bit = 1u << 31;
inline constexpr std::uint32_t rung_bits = (1u << 27) - 1;  // between them: see cut_off.h

inline constexpr std::uint32_t text_bytes = Error::what_capacity;
// Of an element's name as a C string: so much that an Error sees whether it must be cut.
inline constexpr std::uint32_t name_bytes = Error::where_capacity + 3;

// ---- the header

enum FrameState : std::uint32_t { claimed = 1, done = 2, waiting = 4 };

// In Frame::refs beside the count: the frame was submitted, so that stop() may find it. Frames of callers who run their
// request themselves never have it, and nobody else touches their count until they share it.
inline constexpr std::uint32_t open_bit = 1u << 31;
// And this: one of the references is a handle's, which may outlive the engine.
inline constexpr std::uint32_t handle_bit = 1u << 30;
inline constexpr std::uint32_t refs_mask = handle_bit - 1;

// What a request says beyond its deadline. Written only where Frame::special is set when it is admitted; what is not
// a number is empty otherwise.
struct Special {
  struct Cancel {
    Frame* frame;
    void operator()() const noexcept;
  };
  using Listener = std::stop_callback<Cancel>;
  int priority = 0;
  std::uint64_t stream = 0;
  std::uint64_t id = 0;
  std::uint64_t entry = 0;  // counts those of its engine that say `latest`; 0: it does not
  TimePoint stamp{};
  bool ordered = false;
  std::stop_token token;
  Listener* listener = nullptr;  // holds no reference: it goes before the frame is used again
  alignas(Listener) unsigned char listener_memory[sizeof(Listener)];
  OnRelease on_release;
  TimeAccount account;
};

struct alignas(64) Frame {
  FrameHead head;
  Atomic<std::uint32_t> refs{0};
  Atomic<std::uint32_t> state{0};
  Program* program = nullptr;
  EngineState* engine = nullptr;
  Executor* executor = nullptr;  // the engine's, or a caller's that runs everything itself
  std::uint32_t place = 0;       // number in its pool, from 1
  Atomic<bool> spare{false};     // counted in Program::spare: losers may outlive the answer

  bool shared = false;   // somebody else may hold a reference: counts must be atomic
  bool timed = false;    // somebody must look before every block: it has a deadline, or its thread is lent for a while
  bool clocked = false;  // it asks where its time goes; then it is timed, too
  bool armed = false;    // its timer holds a reference
  bool extra = false;    // an element's frame beyond the one that every request has for sure
  bool held = false;     // answered, and counted in FramePool::hold
  bool handle = false;   // its answer belongs to a handle, which keeps the engine's state alive

  // How it was answered; written by the one who claimed it.
  Code code = Code::none;    // an error that no region holds
  std::uint32_t answer = 0;  // the answer's slot; 0 for an error
  bool anytime = false, late = false;
  bool apart = false;    // whoever answered it must not make the callback's call himself
  bool special = false;  // `more` holds something, or it is held: to be let go of with care
  bool noted = false;    // something is told when it is answered: sites, its stream's order, its account
  bool ranked = false;   // the numbers in `more` count; never written while others may read it

  // Elements of `each`.
  Frame* parent = nullptr;
  const Control* owner = nullptr;
  std::size_t index = 0;

  // Whoever wants a callback.
  void (*deliver)(FrameRef&, void* callback) = nullptr;
  Task delivery;
  Atomic<TimePoint::rep> began{0};  // on a worker, where it has a deadline; 0: not yet
  alignas(std::max_align_t) unsigned char callback[callback_bytes];
  Timer timer;  // behind it, where it leaves no gap

  Special more;

  char* base() noexcept { return reinterpret_cast<char*>(this); }
  template <class T>
  T& at(std::uint32_t offset) noexcept {
    return *reinterpret_cast<T*>(base() + offset);
  }
  RegionState& region_state(const Region& r) noexcept { return at<RegionState>(r.state); }
  RegionState& region_state(std::uint32_t number) noexcept {
    return at<RegionState>(program->states + number * std::uint32_t{sizeof(RegionState)});
  }
  ControlWords& words(const Control& c) noexcept { return at<ControlWords>(c.words); }
  void set_live(std::uint32_t live) noexcept {
    if (live) at<char>(live) = 1;
  }
};
static_assert(offsetof(Frame, head) == 0);

struct Waiter;

std::uint64_t request_id(Frame& f) noexcept;  // Request::id, also of an element's request

// One engine: what its frames share. Kept alive by the engine and by every handle.
struct EngineState {
  explicit EngineState(std::pmr::memory_resource& memory_for_requests)
      : memory(memory_for_requests), inline_executors(&memory) {}

  std::pmr::memory_resource& memory;  // of what is kept for requests
  std::shared_ptr<Executor> executor;
  std::shared_ptr<Observer> observer;
  Atomic<Program*> current{nullptr};  // the one that new requests go to; null: they are refused
  std::optional<Runtime> runtime;
  std::shared_ptr<const PolicyCatalog> policies;  // null: the library's own
  InlineExecutors inline_executors;
  StreamOrder streams;
  std::uint32_t max_in_flight = 0, max_losers = 0, max_running = unlimited;
  Duration ageing{};                         // of those who wait at stations
  bool shed = true;                          // requests that would miss their deadline are refused
  Atomic<std::uint64_t> entries{0};          // of requests that say `latest`
  Atomic<std::uint32_t> callers_running{0};  // counted only where max_running says a number
  bool shares_threads = false;               // the executor does
  bool threadless = false;            // the executor has no thread: callers run everything, one arm after another
  Atomic<std::uint64_t> too_late{0};  // Completions that nobody waited for any more
  Atomic<std::uint64_t> numbers{0};   // of requests, for an observer that asks for stages
  Atomic<std::uint64_t> late{0};      // answers that came past their deadline because a caller's thread ran a stage
  StopFlag stopping{};                // outermost of all requests' flags
  Atomic<std::uint32_t> owners{1};    // the engine and its handles
  Atomic<std::uint32_t> resting{0};   // of those outside: timers and Completions, which need no thread
  Atomic<std::uint32_t> outside{0};   // tasks spawned, timers armed, and callers running: what destruction waits for

  // What is needed rarely: see admission.h and lifetime.h.
  Mutex mutex;
  std::vector<std::unique_ptr<Program>> programs;  // the latest, those with old frames, and empty ones to use again
  Program* latest = nullptr;
  EngineFigures figures;                                     // its
  Waiter *first_waiting = nullptr, *last_waiting = nullptr;  // for room

  bool is_stopping() const noexcept { return stopping.halt.load() != running; }
  void leave() noexcept;  // one owner less; the last one destroys this
  // Of no request, or of one that is gone.
  void observe(Event event) const noexcept {
    if (!observer) return;
    event.at = executor->now();
    observer->on_event(event);
  }
};

// ---- references

inline void share(Frame& f, std::uint32_t more) noexcept {
  if (!f.shared) f.shared = true;  // others read it: written once
  f.refs.fetch_add(more, std::memory_order_relaxed);
}
inline bool has_deadline(const Frame& f) noexcept { return f.head.request.deadline != never; }

// The frame's request begins, or ends, to spend time on something, if it asks where its time goes.
inline void begin_spending(Frame& f, Spent on) noexcept {
  if (f.clocked) [[unlikely]]
    note_begin(f, on);
}
inline void end_spending(Frame& f, Spent on) noexcept {
  if (f.clocked) [[unlikely]]
    note_end(f, on);
}

void recycle(Frame& f) noexcept;  // returns it to its pool; REQUIRES: nobody holds it
inline void release(Frame& f) noexcept {
  if (!f.shared) {
    const auto left = f.refs.load(std::memory_order_relaxed) - 1;
    f.refs.store(left, std::memory_order_relaxed);
    if (left) return;
  } else if ((f.refs.fetch_sub(1, std::memory_order_acq_rel) & refs_mask) != 1) {
    return;
  }
  recycle(f);
}
void reset(Frame& f) noexcept;    // as a new request finds it; REQUIRES: nobody else holds it
void cleanup(Frame& f) noexcept;  // destroys the values in it
void cleanup_all_but(Frame& f, std::uint32_t slot) noexcept;
// recycle()'s way to the pool where somebody queues for room or the frame's program was replaced.
void give_back_loudly(Frame& f) noexcept;

// Begins to listen to the request's stop token, if it has one. The request may be answered before this returns.
// REQUIRES: the caller holds a reference
void listen_for_stop(Frame& f) noexcept;
inline void watch_stop(Frame& f) noexcept {
  if (f.special) [[unlikely]]
    listen_for_stop(f);
}
// Stops listening, and gives what the request wanted to be called. REQUIRES: nobody else does the same.
OnRelease forget_special(Frame& f) noexcept;
void call_on_release(const EngineState& engine, OnRelease call) noexcept;
bool take_spare(Frame& f) noexcept;

// ---- the one outcome

// True for exactly one caller per request.
inline bool claim(Frame& f) noexcept {
  if (f.shared) return !(f.state.fetch_or(claimed, std::memory_order_acq_rel) & claimed);
  f.state.store(claimed, std::memory_order_relaxed);
  return true;
}
// REQUIRES: claimed by the caller, who has filled in `code` or `answer`.
void complete(Frame& f) noexcept;
// The answer came past its deadline, because its thread was running a stage.
void mark_late(Frame& f) noexcept;
// Answers with an error from outside (deadline, cancellation, shutdown) unless it has been answered; at its deadline a
// cascade's best answer serves. `apart`: a callback is not called in here, on whatever thread this is.
void expire(Frame& f, Code code, bool apart = false) noexcept;
// Answers it as `superseded` and makes room for another one. False: it was answered, or too many losers are held.
// REQUIRES: it was submitted, and the caller has a reference
bool supersede(Frame& f) noexcept;
Error error_of(Frame& f) noexcept;
Facts facts_of(Frame& f) noexcept;
Frame& root_of(Frame& f) noexcept;

// ---- regions

void halt_regions(Frame& f, std::uint32_t first, std::uint32_t last) noexcept;
// True for the one who may write the region's error, and must. False: it was stopped or had failed already.
bool begin_failing(Frame& f, const Region& r) noexcept;
// Writes a region's error and stops what runs inside it. `where` lives as long as the frame.
void end_failing(Frame& f, const Region& r, Code code, const char* where, std::string_view text) noexcept;
// Both. False: as begin_failing.
bool set_failed(Frame& f, const Region& r, Code code, const char* where, std::string_view text) noexcept;
std::string_view text_of(Frame& f, const Region& r) noexcept;
// The same for what a stage threw, returned or was told; and the Observer hears of it.
void fail_stage(Frame& f, const Region& r, const char* where, const Error& error) noexcept;
// FrameHead::fail of engine frames.
void fail_instruction(const Instruction& i, char* frame, const Error& error) noexcept;

}  // namespace tailrace::detail
