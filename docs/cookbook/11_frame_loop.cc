// A frame loop that owes a picture every 16 ms, and lends the engine what is left of each frame. No thread is started.
#include <tailrace/tailrace.h>

#include <iostream>
#include <string>
#include <vector>

namespace tr = tailrace;
using namespace std::chrono_literals;

namespace {

constexpr auto frame = 16ms;
constexpr auto spare = 4ms;  // what drawing leaves of a frame, on the slowest machine

struct Unit {
  int id = 0;
  std::string plan = "thinking";
};

std::string decide(const int& id) { return id % 2 ? "attack" : "defend"; }
std::string shout(const std::string& plan) { return plan + "!"; }

}  // namespace

int main() {
  auto think =
      tr::flow<int>("think", [](tr::Stream<int> id) { return id.then("decide", decide).then("shout", shout); });
  auto engine = tr::start(think, {.threads = 0}).value();

  std::vector<Unit> units(4);
  int answered = 0;
  for (int i = 0; i < 4; ++i) {
    units[static_cast<std::size_t>(i)].id = i;
    // Callbacks come inside tick(), on this thread, so that they may write what the loop reads.
    engine
        .submit(i, {},
                [&, i](tr::Outcome<std::string> plan) {
                  units[static_cast<std::size_t>(i)].plan = plan.value_or("wait");
                  ++answered;
                })
        .value();
  }
  std::cout << "before the first tick: " << answered << " answers\n";

  bool in_time = true;
  while (answered < 4) {
    const auto end = tr::Clock::now() + frame;
    // ... input, physics, drawing ...
    const tr::Ticked tick = engine.tick(spare);  // returns within its budget and one block
    in_time = in_time && (tick.left == 0 || tr::Clock::now() >= end - frame + spare);
    // Nothing is left: a loop that has nothing else to do may sleep until `tick.next` or the end of the frame.
  }
  for (const Unit& unit : units) std::cout << unit.id << ": " << unit.plan << "\n";
  std::cout << "budgets were used up or nothing was left: " << (in_time ? "yes" : "no") << "\n";

  // Where the answer is needed in this very frame: run() does it all, here and now.
  std::cout << "at once: " << engine.run(5).value() << "\n";
}
