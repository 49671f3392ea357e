#include <tailrace/exec/pool.h>
#include <tailrace/tailrace.h>
#include <tailrace/trace/metrics.h>

#include <chrono>
#include <memory>

#include "engine/drive.h"
#include "engine/runtime.h"
#include "overhead/engines.h"
#include "overhead/scenario.h"

namespace overhead {
namespace {

namespace tr = tailrace;

tr::Plan<Value, Value> plan(int length, Fuse fuse) {
  tr::OptimiseOptions options;
  if (fuse == Fuse::no) options.without = {"fuse"};
  return tr::optimise(chain(length), options).value();
}

// A program with one frame, and nothing of a request.
struct Block {
  std::unique_ptr<tr::detail::Program> program;
  tr::detail::Frame* frame;

  explicit Block(int length) {
    tr::detail::Stations stations;
    const auto fused = plan(length, Fuse::yes);
    program = tr::detail::compile(*fused.data().graph, fused.data().choices.root, stations);
    tr::detail::allocate_frames(*program, 1, 0, 1);
    frame = program->pool.take(1);
    tr::detail::reset(*frame);
  }
  Value operator()(Value x) {
    frame->at<Value>(program->input) = x;
    tr::detail::run_blocks(*frame, program->blocks[0]);
    return frame->at<Value>(program->regions[0].answer);
  }
};

}  // namespace

Work block_chain(int length) {
  auto block = std::make_shared<Block>(length);
  return [block](long n) {
    Value x = seed;
    for (long i = 0; i < n; ++i) x = (*block)(x);
    return x;
  };
}

namespace {

Work requests_to(const tr::Plan<Value, Value>& plan, const tr::EngineOptions& options) {
  auto engine = std::make_shared<tr::Engine<Value, Value>>(tr::start(plan, options).value());
  return [engine](long n) {
    Value x = seed;
    for (long i = 0; i < n; ++i) x = *engine->run(x);
    return x;
  };
}

}  // namespace

Work request_chain(int length, Fuse fuse) { return requests_to(plan(length, fuse), one_thread()); }

Work metered_chain(int length) {
  tr::EngineOptions options = one_thread();
  options.observer = std::make_shared<tr::trace::Metrics>();
  return requests_to(plan(length, Fuse::yes), options);
}

Work quick_stage_with_deadline() {
  const auto flow = chain(1, {.quick = true});
  auto engine = std::make_shared<tr::Engine<Value, Value>>(tr::start(flow, one_thread()).value());
  return [engine](long n) {
    Value x = seed;
    for (long i = 0; i < n; ++i) x = *engine->run(x, {.within = std::chrono::hours(1)});
    return x;
  };
}

namespace {

using namespace std::chrono_literals;

// One worker, which sleeps while callers run their requests themselves.
tr::Engine<Value, Value> microsecond_engine() {
  const auto flow = tr::flow<Value>("chain", [](tr::Stream<Value> s) { return s.then("s", Microsecond{}); });
  tr::EngineOptions options;
  options.executor = tr::pool_executor(1).value();
  return std::move(tr::start(flow, options)).value();
}

}  // namespace

Work learned_stage_with_deadline() {
  auto engine = std::make_shared<tr::Engine<Value, Value>>(microsecond_engine());
  for (int i = 0; i < 100; ++i) engine->run(seed, {.within = 1h}).value();
  return [engine](long n) {
    Value x = seed;
    for (long i = 0; i < n; ++i) x = *engine->run(x, {.within = 1h});
    return x;
  };
}

Work hedged_stage(Hedge how) {
  const tr::PolicyUse policies[] = {{"never"}, {"fixed", {{"delay_ms", 1000.0 * 3600}}}, {"adaptive"}};
  const tr::PolicyUse& policy = policies[static_cast<int>(how)];
  const auto flow = tr::flow<Value>("hedged", [&](tr::Stream<Value> s) {
    return tr::hedge("hedge", s, policy, tr::stage(Step{}, {.replicable = true}));
  });
  auto engine = std::make_shared<tr::Engine<Value, Value>>(tr::start(flow, {.threads = 0}).value());
  return [engine](long n) {
    Value x = seed;
    for (long i = 0; i < n; ++i) x = *engine->run(x);
    return x;
  };
}

std::vector<double> first_calls_with_deadline(int calls) {
  auto engine = microsecond_engine();
  std::vector<double> nanoseconds;
  for (int i = 0; i < calls; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const Value answer = *engine.run(seed, {.within = 1h});
    nanoseconds.push_back(std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count());
    if (answer != Microsecond{}(seed)) throw bench::WrongAnswer{"a first call with a deadline"};
  }
  return nanoseconds;
}

}  // namespace overhead
