#include <benchmark/benchmark.h>

#include "overhead/scenario.h"

namespace overhead {

Work function_chain(int length) {
  std::vector<std::function<Value(Value)>> chain(static_cast<std::size_t>(length), Step{});
  benchmark::DoNotOptimize(chain.data());
  return [chain = std::move(chain)](long n) {
    Value x = seed;
    for (long i = 0; i < n; ++i)
      for (const auto& f : chain) x = f(x);
    return x;
  };
}

template <class Stage>
Work call_directly() {
  return [](long n) {
    Value (*volatile call)(Value) = [](Value x) { return Stage{}(x); };
    Value x = seed;
    for (long i = 0; i < n; ++i) x = call(x);
    return x;
  };
}
Work direct_call() { return call_directly<Step>(); }
Work direct_microsecond() { return call_directly<Microsecond>(); }

Work no_call() {
  return [](long n) {
    Value (*volatile call)(Value) = [](Value x) { return x; };
    Value x = seed;
    for (long i = 0; i < n; ++i) x = call(x);
    return x;
  };
}

}  // namespace overhead
