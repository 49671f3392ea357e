#include <tailrace/tailrace.h>

#include <memory>

#include "fork/scenario.h"

namespace forking {
namespace {

namespace tr = tailrace;
using Value = std::uint32_t;

tr::Flow<Value, Value> flow(Spin step) {
  return tr::flow<Value>("two", [&](tr::Stream<Value> in) {
    return tr::join_with("joined", joined, in.then("a", step), in.then("b", step));
  });
}
// Two threads each, as an engine starts them.
Requests requests(std::string name, const tr::Plan<Value, Value>& plan) {
  auto engine = std::make_shared<tr::Engine<Value, Value>>(tr::start(plan, {.threads = 2}).value());
  return {std::move(name), [engine](Value x) { return *engine->run(x); }};
}

}  // namespace

Requests serial(Spin step) { return requests("serial", tr::optimise(flow(step)).value()); }

Requests forked(Spin step) {
  tr::PlanData plan = tr::optimise(flow(step), {.without = {"fuse"}}).value().data();
  plan.choices.root.fork.back() = true;
  return requests("forked", tr::Plan<Value, Value>(std::move(plan)));
}

Requests decided(Spin step, Verdict& verdict) {
  const auto profile = tr::measure(flow(step), std::vector<Value>{5}, {.rounds = 50}).value();
  const auto plan = tr::optimise(flow(step), {.profile = profile}).value();
  verdict = {plan.data().choices.root.fork.back(), profile.wake.expected() * 1e6};
  return requests("decided", plan);
}

}  // namespace forking
