#pragma once
#include <algorithm>
#include <concepts>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

#include "tailrace/core/completion.h"
#include "tailrace/core/result.h"
#include "tailrace/engine/executor.h"
#include "tailrace/sim/distribution.h"
#include "tailrace/sim/faults.h"

namespace tailrace::sim {

struct ServiceOptions {
  // Of its times. A draw depends on it, on Request::id, the stage's path, the element and CallFacts::copy only.
  std::uint64_t seed = 0;
  // Whether it keeps one of the executor's workers busy, as code does that computes. Otherwise its time passes
  // elsewhere: on a device, another machine, a disk.
  bool holds_worker = true;
  // How often it looks whether its answer is still wanted, and ends early where it is not, as code does with
  // Context::checkpoint; 0: never.
  Duration looks_every{};
  // The share of inputs, 0 to 1, to which slowness belongs: theirs is one draw of the seed, the request and the element
  // alone. A copy of such a call takes as long as the call, and so does every service of this seed and distribution.
  // The rank correlation of a call's time and its copy's is this share.
  double of_input = 0;
  Faults faults{};  // what goes wrong in it
};

}  // namespace tailrace::sim

namespace tailrace::detail {

// What a Service does that does not depend on types.
struct ServiceTime {
  sim::Distribution time;
  sim::ServiceOptions options;

  Duration draw(const CallFacts& about) const noexcept;
  sim::Faults::Kind draw_fault(const CallFacts& about) const noexcept;
  Duration looks(sim::Faults::Kind fault) const noexcept;  // how often
  Error problem() const noexcept { return Error(Code::bad_value, time.problem); }
};
// Options that make no sense are a problem of the distribution.
ServiceTime service_time(sim::Distribution time, const sim::ServiceOptions& options);
// Lets `work` take until `due` on the executor that runs the request; false: the time has passed, on this thread.
bool take_time(const CallFacts& about, TimePoint due, const sim::ServiceOptions& options, Work& work) noexcept;
TimePoint now_of(const CallFacts& about) noexcept;

// Calls that take simulated time. They are kept for the next ones, so that calls take no memory once warm. A Payload is
// what a call works on; its moves must not throw, and it has
//
//   bool unwanted() const noexcept;  // whether nobody waits for it any more
//   void finish() noexcept;          // hands it on; this may be destroyed meanwhile
template <class Payload>
class TimedCalls {
 public:
  struct Call : Work {
    TimedCalls* calls = nullptr;
    CallFacts about;
    TimePoint end{};
    Duration look{};  // how often it looks whether it may end early; 0: never
    std::optional<Payload> payload;
    Call* next = nullptr;
  };

  explicit TimedCalls(const sim::ServiceOptions& options) : options_(options) {}

  // One that begin() may be called with once its payload is there. Throws std::bad_alloc.
  Call& take() {
    const std::lock_guard lock(mutex_);
    Call* call = free_;
    if (call) free_ = call->next;
    else call = &calls_.emplace_back();
    call->calls = this;
    call->over = [](Work& work) noexcept { static_cast<Call&>(work).calls->passed(static_cast<Call&>(work)); };
    call->wanted = [](const Work& work) noexcept { return !static_cast<const Call&>(work).payload->unwanted(); };
    return *call;
  }
  void begin(Call& call, const CallFacts& about, Duration takes, Duration look) noexcept {
    call.about = about;
    call.end = now_of(about) + takes;
    call.look = look;
    call.goes_on = false;
    go_on(call);
  }

 private:
  // Until the end, or until it looks next.
  void go_on(Call& call) noexcept {
    for (;;) {
      const TimePoint due = call.look > Duration{} ? std::min(call.end, now_of(call.about) + call.look) : call.end;
      if (take_time(call.about, due, options_, call)) return;
      if (due == call.end || call.payload->unwanted()) return finish(call);
    }
  }
  void passed(Call& call) noexcept {
    if (now_of(call.about) >= call.end || call.payload->unwanted()) return finish(call);
    call.goes_on = true;
    go_on(call);
  }
  void finish(Call& call) noexcept {
    Payload payload = std::move(*call.payload);
    call.payload.reset();
    {
      const std::lock_guard lock(mutex_);
      call.next = free_;
      free_ = &call;
    }
    payload.finish();
  }

  const sim::ServiceOptions options_;
  std::mutex mutex_;
  std::deque<Call> calls_;
  Call* free_ = nullptr;
};

struct PassOn {
  template <class T>
  T operator()(T in) const {
    return in;
  }
};

}  // namespace tailrace::detail

namespace tailrace::sim {

// An asynchronous stage that takes a drawn time: see service().
template <class In, class F>
class Service {
  using Made = std::decay_t<std::invoke_result_t<const F&, In>>;
  template <class T>
  struct value_of {
    using type = T;
  };
  template <class T>
  struct value_of<Result<T>> {
    using type = T;
  };

 public:
  using Out = typename value_of<Made>::type;
  static_assert(std::is_nothrow_move_constructible_v<Made>,
                "a simulated service keeps its value for a while: moving it must not throw");

  Service(F f, detail::ServiceTime time) : shared_(std::make_shared<Shared>(std::move(f), std::move(time))) {}

  void operator()(In in, Completion<Out> done) const {
    Shared& s = *shared_;
    if (!s.time.time.problem.empty()) return (void)done.fail(s.time.problem());
    const CallFacts about = done.about();
    const Faults& faults = s.time.options.faults;
    const auto fault = faults.any() ? s.time.draw_fault(about) : Faults::Kind::none;
    throw_fault(fault);
    Made made = s.f(std::move(in));
    auto& call = s.calls.take();
    call.payload.emplace(Payload{std::move(done), std::move(made)});
    s.calls.begin(call, about, with_fault(faults, fault, s.time.draw(about)), s.time.looks(fault));
  }

 private:
  struct Payload {
    Completion<Out> done;
    Made value;

    bool unwanted() const noexcept { return done.stop_requested(); }
    void finish() noexcept {
      if constexpr (is_result<Made>) {
        if (value) done.complete(std::move(*value));
        else done.fail(value.error());
      } else {
        done.complete(std::move(value));
      }
    }
  };
  // Of all copies of one stage.
  struct Shared {
    Shared(F function, detail::ServiceTime t) : f(std::move(function)), time(std::move(t)), calls(time.options) {}

    const F f;
    const detail::ServiceTime time;
    detail::TimedCalls<Payload> calls;
  };
  std::shared_ptr<Shared> shared_;
};

// A stage that takes a time drawn from a distribution: in a simulation it stands for one that really does. Give it to
// `then`, `race`, `tr::stage(…, {.limit = 2})` as any other stage.
//
//   auto f = tr::flow<int>("two", [](tr::Stream<int> x) {
//     return x.then("parse", sim::service<int>(sim::constant(200us)))
//         .then("label", sim::service<int>(sim::exponential(2ms), label, {.seed = 7}));
//   });
//
// On virtual time it costs nothing but the events. Live it sleeps: on the worker that it holds, or where it holds none,
// on the executor's timers. Its value is its input, or what `f` makes of the input when it begins (a value or a
// Result); both may have to wait, so their moves must not throw. One draw for each (seed, Request::id, path, element,
// copy): plans that differ elsewhere are compared on common draws. A wrong distribution or option fails every request
// with `bad_value`.
template <class T>
auto service(Distribution time, ServiceOptions options = {}) {
  return Service<T, detail::PassOn>({}, detail::service_time(std::move(time), options));
}
template <class In, class F>
requires std::invocable<const F&, In>
auto service(Distribution time, F f, ServiceOptions options = {}) {
  return Service<In, F>(std::move(f), detail::service_time(std::move(time), options));
}

}  // namespace tailrace::sim
