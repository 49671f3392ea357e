// A shared library whose stages, values and engine go when it is unloaded.
#include "engine/plugin/plugin.h"

#include <string>
#include <thread>

#include "tailrace/exec/pool.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"

namespace {

namespace tr = tailrace;

// A value whose destructor is the plug-in's code.
struct Parcel {
  std::string text = std::string(40, 'p');
  int n = 0;
};

// Three arms with one answer, of which the last one stays until it is told to stop.
auto make_engine() {
  const auto stays = [](const Parcel& p, const tr::Context& c) {
    while (!c.stop_requested()) std::this_thread::yield();
    return p;
  };
  auto race = tr::flow<Parcel>("plugin", [&](tr::Stream<Parcel> in) {
    const auto copy = [](const Parcel& p) { return p; };
    return tr::race("either", in.then("copy", copy), copy, copy, stays).then("number", [](Parcel p) { return p.n; });
  });
  return tr::start(race, {.executor = tr::pool_executor(2).value()}).value();
}

class Service final : public plugin::Service {
 public:
  tr::Handle<int> submit(int in, std::atomic<int>* released) override {
    return engine_.submit(Parcel{.n = in + 1}, {.on_release = [released] { ++*released; }});
  }

 private:
  tr::Engine<Parcel, int> engine_ = make_engine();
};

}  // namespace

extern "C" __attribute__((visibility("default"))) plugin::Service* plugin_make() { return new Service; }
