// The smallest useful program, for its size: one flow, one engine, one request.
#include <tailrace/tailrace.h>

namespace tr = tailrace;

int main() {
  const auto flow = tr::flow<int>("hello", [](tr::Stream<int> n) {
    return n.then("triple", [](int x) { return 3 * x; }).then("add", [](int x) { return x + 1; });
  });
  auto engine = tr::start(flow, {.threads = 1}).value();
  const auto answer = engine.run(2);
  return answer && *answer == 7 ? 0 : 1;
}
