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
    Job& job = s.take();
    job.about = about;
    job.done.emplace(std::move(done));
    job.value.emplace(std::move(made));
    job.end = detail::now_of(about) + with_fault(faults, fault, s.time.draw(about));
    job.look = s.time.looks(fault);
    job.goes_on = false;
    s.go_on(job);
  }

 private:
  struct Shared;
  struct Job : Work {
    Shared* shared = nullptr;
    CallFacts about;
    TimePoint end{};
    Duration look{};  // how often it does; 0: never
    std::optional<Completion<Out>> done;
    std::optional<Made> value;
    Job* next = nullptr;
  };
  // Of all copies of one stage. Jobs are kept for the next call, so that calls take no memory once warm.
  struct Shared {
    Shared(F function, detail::ServiceTime t) : f(std::move(function)), time(std::move(t)) {}

    Job& take() {
      const std::lock_guard lock(mutex);
      Job* job = free;
      if (job) free = job->next;
      else job = &jobs.emplace_back();
      job->shared = this;
      job->over = [](Work& work) noexcept { static_cast<Job&>(work).shared->passed(static_cast<Job&>(work)); };
      job->wanted = [](const Work& work) noexcept { return !static_cast<const Job&>(work).done->stop_requested(); };
      return *job;
    }
    // Until the end, or until it looks next.
    void go_on(Job& job) noexcept {
      for (;;) {
        const TimePoint due = job.look > Duration{} ? std::min(job.end, detail::now_of(job.about) + job.look) : job.end;
        if (detail::take_time(job.about, due, time.options, job)) return;
        if (due == job.end || job.done->stop_requested()) return finish(job);
      }
    }
    void passed(Job& job) noexcept {
      if (detail::now_of(job.about) >= job.end || job.done->stop_requested()) return finish(job);
      job.goes_on = true;
      go_on(job);
    }
    void finish(Job& job) noexcept {
      Completion<Out> done = std::move(*job.done);
      Made made = std::move(*job.value);
      job.done.reset();
      job.value.reset();
      {
        const std::lock_guard lock(mutex);
        job.next = free;
        free = &job;
      }
      // From here on this may be destroyed.
      if constexpr (is_result<Made>) {
        if (made) done.complete(std::move(*made));
        else done.fail(made.error());
      } else {
        done.complete(std::move(made));
      }
    }

    const F f;
    const detail::ServiceTime time;
    std::mutex mutex;
    std::deque<Job> jobs;
    Job* free = nullptr;
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
