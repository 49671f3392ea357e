// Who may let go of what, and when: stop tokens, memory under views, backpressure, a new plan under load, and the end.
#include <tailrace/tailrace.h>

#include <atomic>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace tr = tailrace;
using namespace std::chrono_literals;

// Holds a stage until it is opened.
struct Door {
  std::atomic<bool> open{false};
  void pass() const { open.wait(false); }
  void unlock() { open = true, open.notify_all(); }
};

void print(const char* what, const tr::Outcome<int>& outcome) {
  std::cout << what << ": ";
  if (outcome) std::cout << *outcome << "\n";
  else std::cout << tr::name(outcome.error().code()) << "\n";
}

// A buffer that the engine only looks at. It may go when on_release is called: once, after the last loser.
void lend_memory() {
  auto lengths = tr::flow<std::string_view>("lengths", [](tr::Stream<std::string_view> text) {
    auto quick = [](std::string_view t) { return static_cast<int>(t.size()); };
    auto careful = [](std::string_view t) {
      std::this_thread::sleep_for(20ms);  // loses, and still reads the text
      return static_cast<int>(t.size());
    };
    return tr::race("length", text, quick, careful);
  });
  std::atomic<bool> gone{false};
  struct Lent {
    std::string text = "forty-two characters are in this very text";
    std::atomic<bool>* gone;
  };
  auto* lent = new Lent{.gone = &gone};
  {
    auto engine = tr::start(lengths, {.threads = 2}).value();
    print("length", engine.run(lent->text, {.on_release = [lent] {
                                 lent->gone->store(true);
                                 delete lent;
                               }}));
  }  // the destructor waits for the loser
  std::cout << "released: " << (gone ? "yes" : "no") << "\n";
}

// One stop source for many requests: those of a client who hangs up, for example.
void hang_up(tr::Engine<int, int>& engine, Door& door) {
  std::stop_source client;
  auto first = engine.submit(1, {.stop = client.get_token()});
  auto second = engine.submit(2, {.within = 1h, .stop = client.get_token()});
  client.request_stop();
  print("first", first.get());
  print("second", second.get());
  print("too late", engine.run(3, {.stop = client.get_token()}));
  door.unlock();
}

// A producer that is faster than the engine waits for room instead of being refused. Those who wait come in order.
void slow_down(tr::Engine<int, int>& engine) {
  std::atomic<int> sum{0};
  for (int i = 1; i <= 100; ++i) {
    auto add = [&sum](tr::Outcome<int> o) { sum += o.value(); };
    if (!engine.submit(i, {.overload = tr::Overload::wait}, add)) std::cout << "refused\n";
  }
  std::cout << "left behind: " << engine.drain().size() << "\n";  // waits until all callbacks have been called
  std::cout << "sum: " << sum << "\n";
}

// A new plan for an engine at work. Old requests finish on the old plan, whose stages go with the last of them.
void change_plans() {
  Door door;
  auto model = std::make_shared<int>(10);  // what a plan keeps alive
  auto old_flow = tr::flow<int>("old", [&](tr::Stream<int> in) {
    return in.then("add", [&door, model](int x) { return door.pass(), x + *model; });
  });
  auto new_plan = tr::optimise(tr::flow<int>("new", [](tr::Stream<int> in) {
                    return in.then("add", [](int x) { return x + 20; });
                  })).value();
  auto engine = tr::start(old_flow, {.threads = 2}).value();
  old_flow = tr::flow<int>("nothing", [](tr::Stream<int> in) { return in.then("same", [](int x) { return x; }); });
  auto old_request = engine.submit(1);
  engine.replace(new_plan);
  print("new plan", engine.run(1));
  std::cout << "the old model is " << (model.use_count() > 1 ? "in use" : "free") << "\n";
  door.unlock();
  print("old plan", old_request.get());
  while (model.use_count() > 1) std::this_thread::yield();
  std::cout << "the old model is free\n";
}

// What a plug-in does before it is unloaded: the engine goes first, and takes everything of the plug-in's with it.
// Handles with plain answers may stay with the host.
void unload() {
  Door door;
  tr::Handle<int> kept = [&] {
    auto engine =
        tr::start(tr::flow<int>("plugin",
                                [&](tr::Stream<int> in) {
                                  return in.then("decode", [](int x) { return x; }).then("wait", [&door](int x) {
                                    return door.pass(), x;
                                  });
                                }),
                  {.threads = 1})
            .value();
    auto handle = engine.submit(7);
    std::vector<std::string> running;
    while (running.empty() || running.front().find("wait") == std::string::npos)
      running = engine.drain(tr::Clock::now() + 5ms);
    std::cout << "still running: " << running.front() << "\n";
    engine.stop();  // answers it
    door.unlock();
    return handle;
  }();  // here the engine waits for its stage; behind this line dlclose() may come
  print("kept", kept.get());
}

int main() {
  lend_memory();
  Door door;
  auto waits = tr::flow<int>(
      "waits", [&](tr::Stream<int> in) { return in.then("wait", [&door](int x) { return door.pass(), x; }); });
  auto engine = tr::start(waits, {.threads = 2, .max_in_flight = 4}).value();
  hang_up(engine, door);
  slow_down(engine);
  change_plans();
  unload();
}
