// On an arena of yours: the engine starts no worker, and shares your oneTBB threads with your own work.
#include <tailrace/exec/tbb.h>
#include <tailrace/tailrace.h>
#include <oneapi/tbb/task_arena.h>

#include <iostream>

namespace tr = tailrace;

int main() {
  oneapi::tbb::task_arena arena(2);  // must outlive the engines on it
  std::shared_ptr<tr::Executor> executor = tr::tbb_executor(arena);

  auto squares = tr::flow<int>(
      "squares", [](tr::Stream<int> in) { return in.then("square", [](const int& x) { return x * x; }); });
  auto cubes = tr::flow<int>(
      "cubes", [](tr::Stream<int> in) { return in.then("cube", [](const int& x) { return x * x * x; }); });
  // Several engines may share one executor.
  auto square = tr::start(squares, {.executor = executor}).value();
  auto cube = tr::start(cubes, {.executor = executor}).value();

  tr::Handle<int> first = square.submit(7), second = cube.submit(3);  // in the arena
  std::cout << first.get().value() << " " << second.get().value() << "\n";
  std::cout << square.run(8).value() << "\n";                               // on this thread
  std::cout << arena.execute([&] { return cube.run(4).value(); }) << "\n";  // on this thread, inside the arena
}
