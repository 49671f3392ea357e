#include <tailrace/tailrace.h>

#include <atomic>
#include <memory>
#include <thread>

#include "overhead/scenario.h"

namespace overhead {
namespace {

namespace tr = tailrace;
using namespace std::chrono_literals;
using Values = std::vector<Value>;
template <class T>
using Shared = std::shared_ptr<tr::Engine<T, T>>;

template <class T, class Build>
Shared<T> engine_of(Build build, tr::OptimiseOptions options = {}) {
  const auto plan = tr::optimise(tr::flow<T>("path", build), options).value();
  return std::make_shared<tr::Engine<T, T>>(
      tr::start(plan, {.threads = 2, .max_in_flight = 64, .shed = false}).value());
}
template <class T, class Build>
Shared<T> unfused(Build build) {
  return engine_of<T>(build, {.models = {}, .without = {"fuse"}});
}

// Runs until nobody wants its answer any more.
Value until_stopped(const Value& x, const tr::Context& context) {
  while (!context.stop_requested()) std::this_thread::yield();
  return x;
}
Value refuse(const Value&) { throw 1; }
tr::Result<Value> fail(const Value&) { return tr::Error(tr::Code::stage_failed, "no"); }

Work run(Shared<Value> engine) {
  return [engine](long n) {
    Value x = seed;
    for (long i = 0; i < n; ++i) x = engine->run(x).value_or(x);
    return x;
  };
}
Work submit_handle(Shared<Value> engine) {
  return [engine](long n) {
    Value x = seed;
    for (long i = 0; i < n; ++i) x = *engine->submit(x).get();
    return x;
  };
}
Work submit_callback(Shared<Value> engine) {
  return [engine](long n) {
    std::atomic<Value> x{seed};
    std::atomic<bool> answered{false};
    for (long i = 0; i < n; ++i) {
      answered = false;
      const auto status = engine->submit(x, {}, [&](tr::Outcome<Value> o) {
        x = *o;
        answered = true;
      });
      while (status && !answered) std::this_thread::yield();
    }
    return x.load();
  };
}
// The answer's vector goes in again as the next request's input.
Work run_vectors(Shared<Values> engine) {
  return [engine, x = Values(8, seed)](long n) mutable {
    for (long i = 0; i < n; ++i) x = *engine->run(std::move(x));
    return x[0];
  };
}
Work cancel(Shared<Value> engine) {
  return [engine](long n) {
    long cancelled = 0;
    for (long i = 0; i < n; ++i) {
      auto handle = engine->submit(seed);
      handle.cancel();
      cancelled += handle.get().error().code() == tr::Code::cancelled;
    }
    return static_cast<Value>(cancelled);
  };
}
Work miss_by_run(Shared<Value> engine) {
  return [engine](long n) {
    long missed = 0;
    for (long i = 0; i < n; ++i)
      missed += engine->run(seed, {.within = 50us}).error().code() == tr::Code::deadline_missed;
    return static_cast<Value>(missed);
  };
}
Work miss_by_submit(Shared<Value> engine) {
  return [engine](long n) {
    long missed = 0;
    for (long i = 0; i < n; ++i)
      missed += engine->submit(seed, {.within = 50us}).get().error().code() == tr::Code::deadline_missed;
    return static_cast<Value>(missed);
  };
}
Work overload(Shared<Value> engine) {
  std::vector<tr::Handle<Value>> held;
  for (int i = 0; i < 64; ++i) held.push_back(engine->submit(seed));
  auto keep = std::make_shared<std::vector<tr::Handle<Value>>>(std::move(held));
  return [engine, keep](long n) {
    long refused = 0;
    for (long i = 0; i < n; ++i) refused += engine->run(seed).error().code() == tr::Code::overloaded;
    return static_cast<Value>(refused);
  };
}

// ---- flows

auto three = [](tr::Stream<Value> s) { return s.then("a", Step{}).then("b", Step{}).then("c", Step{}); };
auto joined = [](tr::Stream<Value> s) {
  return tr::join_with(
      "sum", [](Value a, Value b) { return a + b; }, s.then("a", Step{}), s.then("b", Step{}));
};
auto raced = [](tr::Stream<Value> s) { return tr::race("race", s, Step{}, Step{}); };
auto hedged = [](tr::Stream<Value> s) {
  return tr::hedge("hedge", s, {"race_all"}, tr::stage(Step{}, {.replicable = true}));
};
auto armed = [](tr::Stream<Value> s) {
  return tr::hedge("hedge", s, {"adaptive"}, tr::stage(Step{}, {.replicable = true}));
};
auto cascaded = [](tr::Stream<Value> s) {
  return tr::cascade("cascade", s, tr::exit_if(Step{}, [](Value x) { return x % 2 == 0; }), Step{}).then("z", Step{});
};
auto chosen = [](tr::Stream<Value> s) {
  return tr::choose(
      "choose", s, [](Value x) { return x % 2; }, Step{}, Step{});
};
auto over_each = [](tr::Stream<Values> s) { return tr::each("each", s, Step{}); };
auto over_each_cascade = [](tr::Stream<Values> s) { return tr::each("each", s, tr::flow<Value>("element", cascaded)); };
template <class F>
auto second_stage(F f) {
  return [f](tr::Stream<Value> s) { return s.then("a", Step{}).then("b", f); };
}

// ---- stages that answer later, or have a queue

void at_once(const Value& x, tr::Completion<Value> done) { done.complete(Step{}(x)); }
void in_batches(tr::Batch<Value, Value>& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) batch.put(i, Step{}(batch.in(i)));
}
Value remembered(Value& state, const Value& x) { return state = Step{}(x); }

auto staged_network = [](tr::Stream<Value> s) {
  using Exit = tr::Exit<Value, Value>;
  const auto first = [](Value x) { return x % 2 ? Exit::leave(Step{}(x)) : Exit::go_on(x); };
  return tr::staged("staged", s, first, Step{});
};
auto voted = [](tr::Stream<Value> s) { return tr::quorum("vote", 2, s, Step{}, Step{}, Step{}); };

template <class T, class Build>
std::vector<std::string> figures(const std::string& name, Build build) {
  const tr::EngineFigures f = engine_of<T>(build)->figures();
  const auto n = [](std::uint32_t x) { return std::to_string(x); };
  return {name, n(f.frame_bytes), n(f.blocks), n(f.instructions), n(f.regions)};
}

}  // namespace

std::vector<Path> paths() {
  const std::string answer = "the vector that the answer is";
  return {
      {"run", "three fused stages", [] { return run(engine_of<Value>(three)); }, 0, ""},
      {"run_unfused", "three blocks", [] { return run(unfused<Value>(three)); }, 0, ""},
      {"join", "two branches and a join", [] { return run(engine_of<Value>(joined)); }, 0, ""},
      {"submit_handle", "submit, then get", [] { return submit_handle(engine_of<Value>(three)); }, 0, ""},
      {"submit_callback", "submit with a callback", [] { return submit_callback(engine_of<Value>(three)); }, 0, ""},
      {"race", "two arms", [] { return run(engine_of<Value>(raced)); }, 0, ""},
      {"race_submitted", "two arms, submit, then get", [] { return submit_handle(engine_of<Value>(raced)); }, 0, ""},
      {"hedge", "two calls", [] { return run(engine_of<Value>(hedged)); }, 0, ""},
      {"hedge_armed", "one call, a second one armed", [] { return submit_handle(engine_of<Value>(armed)); }, 0, ""},
      {"cascade", "two rungs and a stage", [] { return run(engine_of<Value>(cascaded)); }, 0, ""},
      {"choose", "two arms", [] { return run(engine_of<Value>(chosen)); }, 0, ""},
      {"each", "eight elements", [] { return run_vectors(engine_of<Values>(over_each)); }, 1, answer},
      {"each_cascade", "a cascade over eight elements",
       [] { return run_vectors(engine_of<Values>(over_each_cascade)); }, 1, answer},
      {"error", "the second stage returns an Error", [] { return run(engine_of<Value>(second_stage(fail))); }, 0, ""},
      {"throw", "the second stage throws", [] { return run(engine_of<Value>(second_stage(refuse))); }, 1,
       "the exception object"},
      {"cancel", "submit, cancel, get", [] { return cancel(engine_of<Value>(second_stage(until_stopped))); }, 0, ""},
      {"deadline_run", "run past its deadline",
       [] { return miss_by_run(engine_of<Value>(second_stage(until_stopped))); }, 0, ""},
      {"deadline_submit", "submit past its deadline",
       [] { return miss_by_submit(engine_of<Value>(second_stage(until_stopped))); }, 0, ""},
      {"later", "an asynchronous stage", [] { return run(engine_of<Value>(second_stage(at_once))); }, 0, ""},
      {"serial", "a serial stage",
       [] { return run(engine_of<Value>(second_stage(tr::stage(Step{}, {.serial = true})))); }, 0, ""},
      {"stateful", "a stage with a state",
       [] { return run(engine_of<Value>(second_stage(tr::stateful<Value>(remembered)))); }, 0, ""},
      {"batch", "a batch stage", [] { return run(engine_of<Value>(second_stage(in_batches))); }, 0, ""},
      {"staged", "two stages", [] { return run(engine_of<Value>(staged_network)); }, 0, ""},
      {"quorum", "two of three arms", [] { return run(engine_of<Value>(voted)); }, 0, ""},
      {"overload", "refused at admission", [] { return overload(engine_of<Value>(three)); }, 0, ""},
  };
}

bench::Table frame_sizes() {
  const auto chain = [](int length) {
    return [length](tr::Stream<Value> s) {
      for (int i = 0; i < length; ++i) s = s.then("s" + std::to_string(i), Step{});
      return s;
    };
  };
  return {"Frame bytes per request",
          "The memory of one request in flight, taken when the engine starts; a frame of each element comes on top.",
          {"flow", "frame bytes", "blocks", "instructions", "regions"},
          {figures<Value>("empty", chain(0)), figures<Value>("chain of 10 integers", chain(10)),
           figures<Value>("chain of 100 integers", chain(100)), figures<Value>("join of two", joined),
           figures<Value>("race of two", raced), figures<Value>("cascade of two", cascaded),
           figures<Values>("each", over_each)}};
}

}  // namespace overhead
