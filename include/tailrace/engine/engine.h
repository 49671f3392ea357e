#pragma once
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tailrace/core/observer.h"
#include "tailrace/core/outcome.h"
#include "tailrace/core/problems.h"
#include "tailrace/engine/executor.h"
#include "tailrace/engine/request.h"
#include "tailrace/engine/runtime.h"
#include "tailrace/plan/handles.h"

namespace tailrace {

inline constexpr std::uint32_t unlimited = ~std::uint32_t{0};
inline constexpr Duration default_ageing = std::chrono::seconds(1);

// Bounds of an engine. All memory that it keeps for requests is taken when it starts.
struct Limits {
  std::uint32_t max_in_flight = 256;  // requests admitted and not yet answered or, where a handle waits, not yet taken
  std::uint32_t max_losers = 256;     // answered requests that a losing arm still holds; past it races run in order
  std::uint32_t max_running = unlimited;        // callers of `run` whose own threads run stages; past it they hand over
  Duration ageing = default_ageing;             // of requests that wait for a turn: policy/order.h
  bool shed = true;                             // requests that would miss their deadline are refused: policy/admit.h
  std::pmr::memory_resource* memory = nullptr;  // where that memory is from; null: the heap
};

class PolicyCatalog;

// What an engine was compiled to: for people, for tests and for benchmarks.
struct EngineFigures {
  std::uint32_t blocks = 0;        // pieces of straight-line code
  std::uint32_t instructions = 0;  // stages, copies and destructions in them
  std::uint32_t regions = 0;       // what can be stopped or fail by itself
  std::uint32_t frame_bytes = 0;   // memory of one request, without what `each` adds
  std::uint32_t frames = 0;
  std::uint32_t waiting = 0;   // requests that wait for their turn at a stage, as of now
  std::uint64_t too_late = 0;  // Completions used when nobody waited for them any more; counts while the engine runs
  std::uint64_t late = 0;      // answers that came past their deadline because their thread was running a stage
  // Of the plan's hedges, counted on when it is replaced: second calls, those that answered first, those refused.
  std::uint64_t copies = 0, copies_won = 0, copies_refused = 0;
};

// A queue of requests that wait for their turn at a stage.
struct QueueView {
  std::string where;                                            // the stage's path
  unsigned limit = 0;                                           // calls at a time; 0: for each stream one
  std::shared_ptr<const std::atomic<std::uint32_t>> waiting{};  // requests in it, as of now; may be read at any time
};

namespace detail {

struct Frame;
struct EngineState;

inline constexpr std::size_t callback_bytes = 64;

// A request in an engine, untyped: one reference on its frame. The typed shells below put values in and take them out.
class FrameRef {
 public:
  FrameRef() = default;
  explicit FrameRef(Frame* frame) noexcept : frame_(frame) {}
  FrameRef(FrameRef&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  FrameRef& operator=(FrameRef&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~FrameRef() {
    if (frame_) drop();
  }
  Frame* get() const noexcept { return frame_; }
  Frame* release() noexcept { return std::exchange(frame_, nullptr); }
  explicit operator bool() const noexcept { return frame_ != nullptr; }

  void* input() const noexcept;  // raw memory for the input
  bool answered() const noexcept;
  void* answer() const noexcept;          // the answer's slot, or null for an error; REQUIRES: answered()
  Error error() const noexcept;           // REQUIRES: answered() with an error
  Facts facts() const noexcept;           // REQUIRES: answered()
  const Timing* timing() const noexcept;  // REQUIRES: answered(); null: nobody asked

 private:
  void drop() noexcept;
  Frame* frame_ = nullptr;
};

// An engine without types.
class EngineCore {
 public:
  static Built<EngineCore> start(std::shared_ptr<const PlanData> plan, const Limits& limits,
                                 std::shared_ptr<Executor> executor, std::shared_ptr<Observer> observer,
                                 const Runtime& runtime = Runtime(),
                                 std::shared_ptr<const PolicyCatalog> policies = nullptr);
  EngineCore(EngineCore&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  EngineCore& operator=(EngineCore&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~EngineCore();

  // A frame for a request, or (null) the reason why not. The caller then constructs the input in FrameRef::input().
  FrameRef admit(const Request& request, Error& refusal) const noexcept;
  FrameRef admit(Error& refusal) const noexcept;  // one that asks for nothing
  // The input has been constructed: runs the request until it is answered.
  void run(FrameRef& frame) const noexcept;
  // Starts it elsewhere; `frame` stays ours, to wait with.
  void submit(FrameRef& frame) const noexcept;
  // The same, and `deliver` is called once, on the executor, when it is answered. The engine takes the frame over.
  void submit(FrameRef frame, void (*deliver)(FrameRef&, void* callback)) const noexcept;
  static void* callback_memory(const FrameRef& frame) noexcept;
  // An answered request whose answer has been taken: makes room for another one. What is left of it to let go of later,
  // if it has an on_release.
  static FrameRef settle(FrameRef answered) noexcept;

  static void wait(const FrameRef& frame, TimePoint until) noexcept;
  static void wait_within(const FrameRef& frame, Duration patience) noexcept;  // by the executor's clock
  static void cancel(const FrameRef& frame) noexcept;

  Problems replace(std::shared_ptr<const PlanData> plan) const;
  std::vector<std::string> drain(TimePoint until) const;
  Ticked tick(Duration budget) const noexcept;
  void stop() const noexcept;
  EngineFigures figures() const noexcept;
  std::vector<QueueView> queues() const;

 private:
  explicit EngineCore(EngineState* state) noexcept : state_(state) {}
  EngineState* state_;
};

template <class Out>
Outcome<Out> take_outcome(const FrameRef& frame) {
  const auto outcome = [&]() -> Outcome<Out> {
    if (void* slot = frame.answer()) return {Result<Out>(std::move(in_slot<Out>(slot))), frame.facts()};
    return {Result<Out>(frame.error()), frame.facts()};
  };
  const Timing* const timing = frame.timing();
  if (!timing) [[likely]]
    return outcome();
  Outcome<Out> timed = outcome();
  timed.timing = *timing;
  return timed;
}
template <class Out>
Outcome<Out> refused(const Error& why) {
  return {Result<Out>(why)};
}

}  // namespace detail

// One submitted request. Move-only; may be used by one thread at a time; may outlive its engine. Destroying it gives up
// the answer but does not cancel the request. An answer that nobody takes keeps its place among max_in_flight.
template <class Out>
class [[nodiscard]] Handle {
 public:
  explicit Handle(detail::FrameRef frame) noexcept : frame_(std::move(frame)) {}
  explicit Handle(const Error& refusal) noexcept : refusal_(refusal) {}

  // True once the outcome is there.
  bool ready() const noexcept { return refusal_ || frame_.answered(); }
  // The request completes as `cancelled` at once, unless it has been answered. From any thread.
  void cancel() noexcept {
    if (frame_) detail::EngineCore::cancel(frame_);
  }
  // Waits for the outcome and takes it. REQUIRES: it was not taken before.
  Outcome<Out> get() {
    if (refusal_) return detail::refused<Out>(*refusal_);
    detail::EngineCore::wait(frame_, never);
    return take();
  }
  // The outcome if it is there, or is within `patience`; empty otherwise. REQUIRES: it was not taken before.
  std::optional<Outcome<Out>> try_get(Duration patience = {}) {
    if (refusal_) return detail::refused<Out>(*refusal_);
    if (!frame_.answered() && patience > Duration{}) {
      detail::EngineCore::wait_within(frame_, patience);
    }
    if (!frame_.answered()) return std::nullopt;
    return take();
  }

 private:
  Outcome<Out> take() {
    detail::FrameRef mine = std::move(frame_);
    return detail::take_outcome<Out>(mine);
  }
  detail::FrameRef frame_;
  std::optional<Error> refusal_;
};

// Runs a plan. Every member may be called from any thread; requests do not disturb each other.
//
//   auto engine = tr::start(plan, {.threads = 4}).value();
//   tr::Outcome<Label> label = engine.run(image, {.within = 5ms});
//
// Destroying it refuses new requests, answers those under way as `shutting_down`, and waits for user code that is still
// running. It must not be destroyed by its own stages or callbacks.
template <class In, class Out>
class Engine {
 public:
  explicit Engine(detail::EngineCore core) noexcept : core_(std::move(core)) {}

  // Answers one request. The caller's thread does the work itself where that cannot make the answer late, and sleeps
  // otherwise. Inside a stage it runs everything on the calling worker. Never throws what a stage throws.
  Outcome<Out> run(In in) {
    Error refusal;
    detail::FrameRef frame = core_.admit(refusal);
    return run(std::move(in), frame, refusal);
  }
  Outcome<Out> run(In in, const Request& request) {
    Error refusal;
    detail::FrameRef frame = core_.admit(request, refusal);
    return run(std::move(in), frame, refusal);
  }

  // Starts a request and returns at once; no stage runs on the caller's thread. A refusal waits in the handle. With
  // Overload::wait it returns once there is room: so a caller who submits faster than requests are answered is slowed
  // down.
  Handle<Out> submit(In in, const Request& request = {}) {
    Error refusal;
    detail::FrameRef frame = core_.admit(request, refusal);
    if (!frame) return Handle<Out>(refusal);
    detail::emplace_in_slot<In>(frame.input(), std::move(in));
    core_.submit(frame);
    return Handle<Out>(std::move(frame));
  }

  // The same, and calls `callback(Outcome<Out>)` once, on a thread of the executor. A refused request is told by the
  // Status, and its callback is never called. Callables of up to 64 bytes need no memory. What a callback throws goes
  // to the Observer.
  template <std::invocable<Outcome<Out>> F>
  Status submit(In in, const Request& request, F callback) {
    if constexpr (!fits_in_frame<F>) {
      auto box = std::make_unique<F>(std::move(callback));
      return submit(std::move(in), request, [box = std::move(box)](Outcome<Out> o) { (*box)(std::move(o)); });
    } else {
      Error refusal;
      detail::FrameRef frame = core_.admit(request, refusal);
      if (!frame) return refusal;
      detail::emplace_in_slot<In>(frame.input(), std::move(in));
      ::new (detail::EngineCore::callback_memory(frame)) F(std::move(callback));
      core_.submit(std::move(frame), [](detail::FrameRef& answered, void* memory) {
        F call = std::move(*std::launder(static_cast<F*>(memory)));
        std::launder(static_cast<F*>(memory))->~F();
        Outcome<Out> outcome = detail::take_outcome<Out>(answered);
        // Makes room before the callback can ask for some.
        const detail::FrameRef rest = detail::EngineCore::settle(std::move(answered));
        call(std::move(outcome));
      });
      return {};
    }
  }

  // Sends requests from now on to another plan. Those under way finish on the plan that they began with, whose stages
  // are destroyed when the last of them is gone, by the thread that lets go of it. Either plan has room for
  // max_in_flight requests. What is wrong with the plan, if anything; then nothing changes. From any thread.
  Problems replace(const Plan<In, Out>& plan) { return core_.replace(plan.share()); }

  // Refuses new requests from now on, and waits until all those under way are answered and no user code runs any more,
  // or until `until`. Gives the names of stages that still run, each once (stages that were fused into one block come
  // as one, separated by commas); nothing: all is done. stop() answers those that are left. Inside a stage or a
  // callback it does not wait.
  std::vector<std::string> drain(TimePoint until = never) { return core_.drain(until); }

  // For engines without threads: runs ready work of its executor on the calling thread, for about `budget`, and says
  // what is left. See exec/tick.h.
  Ticked tick(Duration budget) noexcept { return core_.tick(budget); }

  // Refuses new requests from now on and answers those under way as `shutting_down`.
  void stop() noexcept { core_.stop(); }
  EngineFigures figures() const noexcept { return core_.figures(); }
  // Of the plan that new requests go to, in its order. Throws std::bad_alloc.
  std::vector<QueueView> queues() const { return core_.queues(); }

 private:
  template <class F>
  static constexpr bool fits_in_frame =
      sizeof(F) <= detail::callback_bytes &&
      alignof(F) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<F>;

  Outcome<Out> run(In&& in, detail::FrameRef& frame, const Error& refusal) {
    if (!frame) return detail::refused<Out>(refusal);
    detail::emplace_in_slot<In>(frame.input(), std::move(in));
    core_.run(frame);
    return detail::take_outcome<Out>(frame);
  }

  detail::EngineCore core_;
};

}  // namespace tailrace
