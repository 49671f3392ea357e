// A network with early exits: each part answers where it is sure, and hands on what it has worked out where it is not.
#include <tailrace/tailrace.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <numeric>
#include <thread>

namespace tr = tailrace;
using namespace std::chrono_literals;

using Signal = std::vector<double>;
struct Label {
  std::string name;
  double sure;
};
// What the parts hand on. It cannot be copied, and need not be: a carry has one reader.
struct Features {
  std::unique_ptr<Signal> values;
  double loudness;
};

Label best_of(const Features& features) {
  if (features.loudness < 0.1) return {"silence", 0.99};
  return {"sound", features.loudness > 5 ? 0.95 : 0.5};
}

// The first part makes the features of a signal.
using Start = tr::Exit<Label, Features>;
Start start_of(const Signal& signal) {
  const double loudness = std::inner_product(signal.begin(), signal.end(), signal.begin(), 0.0);
  if (signal.empty()) return Start::leave({"nothing", 1});
  return Start::go_on({std::make_unique<Signal>(signal), loudness});
}

// Where it is not sure it says what it would have answered: that counts when the deadline comes.
using Early = tr::AnytimeExit<Label, Features>;
Early early(Features&& features) {
  Label label = best_of(features);
  if (label.sure > 0.9) return Early::leave(std::move(label));
  return Early::go_on(std::move(features), std::move(label));
}

// The last part answers in any case. It counts how often the signal changes its sign.
Label careful(const Features& features, const tr::Context& context) {
  const Signal& v = *features.values;
  if (v.size() > 6) throw std::runtime_error("too long to listen to");
  while (v.size() == 6 && !context.stop_requested()) std::this_thread::sleep_for(1ms);  // takes too long
  int changes = 0;
  for (std::size_t i = 1; i < v.size(); ++i) changes += (v[i] < 0) != (v[i - 1] < 0);
  return {changes > 1 ? "whistle" : "rumble", 0.8};
}

int main() {
  auto listen = tr::flow<Signal>("listen", [](tr::Stream<Signal> signal) {
    return tr::staged("net", signal, tr::named("start", start_of), tr::named("early", early),
                      tr::named("careful", careful));
  });
  std::cout << tr::explain(listen);

  auto engine = tr::start(listen, {.threads = 1}).value();
  for (const Signal& signal : {Signal{}, Signal{0.1, 0.2}, Signal{1, -1, 1}, Signal{1, 1, 1}, Signal(8, 0.5)}) {
    auto label = engine.run(signal);
    if (label) std::cout << label->name << ", by stage " << label.rung << "\n";
    else std::cout << tr::describe(label.error()) << "\n";
  }
  auto label = engine.run(Signal(6, 0.5), {.within = 250ms});
  std::cout << label->name << ", by stage " << label.rung << (label.anytime ? ", at the deadline" : "") << "\n";
}
