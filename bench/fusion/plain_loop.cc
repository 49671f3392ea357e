#include <vector>

#include "fusion/scenario.h"

namespace fusion {

Work loop(Spin step) {
  std::vector<std::function<Value(const Value&)>> chain(length, step);
  return [chain = std::move(chain)](long n) {
    Value x = seed;
    for (long i = 0; i < n; ++i)
      for (const auto& f : chain) x = f(x);
    return x;
  };
}

}  // namespace fusion
