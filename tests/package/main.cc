// A stranger's whole program: it builds a flow, starts an engine and checks an answer.
#include <tailrace/tailrace.h>

namespace tr = tailrace;

int main() {
  auto flow = tr::flow<int>("answer", [](tr::Stream<int> in) {
    return in.then("twice", [](const int& x) { return 2 * x; }).then("text", [](const int& x) { return double(x); });
  });
  auto plan = tr::optimise(flow);
  if (!plan) return 1;
  auto engine = tr::start(*plan, {.threads = 1});
  if (!engine) return 2;
  auto answer = engine->run(21);
  return answer && *answer == 42.0 ? 0 : 3;
}
