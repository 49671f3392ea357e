#include <tailrace/tailrace.h>

#include <memory>

#include "submit/scenario.h"
#include "tailrace/exec/pool.h"

namespace submitting {
namespace {

namespace tr = tailrace;

Asked asked(std::string name, const tr::EngineOptions& options) {
  const auto flow = tr::flow<Value>("asked", [](tr::Stream<Value> x) { return x.then("work", work); });
  auto engine = std::make_shared<tr::Engine<Value, Value>>(tr::start(flow, options).value());
  return {std::move(name), [engine](Value x) { return *engine->submit(x).get(); }};
}

}  // namespace

Asked submit_to_arena() { return asked("submit", {.threads = 1}); }
Asked submit_to_pool() { return asked("submit, pool", {.executor = tr::pool_executor(1).value()}); }

}  // namespace submitting
