#include <tailrace/exec/pool.h>
#include <tailrace/tailrace.h>

#include <memory>

#include "fusion/scenario.h"

namespace fusion {
namespace {

namespace tr = tailrace;
using namespace std::chrono_literals;

tr::Plan<Value, Value> plan(Spin step, Fuse fuse) {
  const auto flow = tr::flow<Value>("chain", [&](tr::Stream<Value> s) {
    for (int i = 0; i < length; ++i) s = s.then("s" + std::to_string(i), tr::stage(step, {.quick = true}));
    return s;
  });
  tr::OptimiseOptions options;
  if (fuse == Fuse::none) options.without = {"fuse"};
  if (fuse == Fuse::by_cost)
    options.profile = tr::measure(flow, std::vector<Value>{seed}, {.rounds = 50, .budget = 200ms}).value();
  return tr::optimise(flow, options).value();
}

}  // namespace

Work chain(Spin step, Fuse fuse, bool deadline) {
  tr::EngineOptions options;
  options.executor = tr::pool_executor(1).value();  // the caller's thread runs everything
  auto engine = std::make_shared<tr::Engine<Value, Value>>(tr::start(plan(step, fuse), options).value());
  const tr::Request request{.within = deadline ? tr::Duration(1h) : tr::Duration{}};
  return [engine, request](long n) {
    Value x = seed;
    for (long i = 0; i < n; ++i) x = *engine->run(x, request);
    return x;
  };
}

}  // namespace fusion
