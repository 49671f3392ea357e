// Deadlines, cancellation, and answers that are good enough when time is up.
#include <tailrace/tailrace.h>

#include <iostream>
#include <thread>

namespace tr = tailrace;
using namespace std::chrono_literals;

// A stage that would take for ever. It asks its Context now and then whether anybody still wants its answer.
int endless(const int& x, const tr::Context& context) {
  while (!context.stop_requested()) std::this_thread::sleep_for(1ms);
  return x;  // nobody looks at it
}
// The same by an exception: checkpoint() throws once the stage should stop.
int endless_too(const int&, const tr::Context& context) {
  for (;; std::this_thread::sleep_for(1ms)) context.checkpoint();
}

void print(const char* what, const tr::Outcome<int>& outcome) {
  std::cout << what << ": ";
  if (outcome) std::cout << *outcome << (outcome.anytime ? " (the best so far)" : "") << "\n";
  else std::cout << tr::name(outcome.error().code()) << ", " << outcome.error().what() << "\n";
}

int main() {
  auto slow = tr::flow<int>("slow", [](tr::Stream<int> in) { return in.then("endless", endless); });
  auto engine = tr::start(slow, {.threads = 2}).value();

  // The answer comes at the deadline, whatever the stage does.
  print("within 20 ms", engine.run(1, {.within = 20ms}));
  print("deadline in the past", engine.run(1, {.deadline = tr::Clock::now() - 1s}));

  // A submitted request can be cancelled from any thread. Its outcome is there at once.
  tr::Handle<int> handle = engine.submit(1);
  std::cout << "ready: " << (handle.ready() ? "yes" : "no") << "\n";
  handle.cancel();
  print("cancelled", handle.get());

  // try_get waits no longer than it is told to. Dropping a handle gives up the answer, but does not cancel.
  tr::Handle<int> other = engine.submit(1, {.within = 30ms});
  std::cout << "after 1 ms: " << (other.try_get(1ms) ? "an outcome" : "nothing yet") << "\n";
  print("at its deadline", other.get());

  // A flow that ends in a cascade answers its deadline with the best rung so far.
  auto never_sure = [](const int&) { return false; };
  auto careful = tr::flow<int>("careful", [&](tr::Stream<int> in) {
    return tr::cascade("answer", in, tr::exit_if([](const int& x) { return x / 10 * 10; }, never_sure), endless_too);
  });
  auto cascade = tr::start(careful, {.threads = 2}).value();
  print("cascade", cascade.run(47, {.within = 200ms}));

  // stop() answers everything that is under way. The engine's destructor then waits for stages that still run.
  tr::Handle<int> last = engine.submit(1);
  engine.stop();
  print("stopped", last.get());
}
