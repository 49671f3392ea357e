// What can go wrong, and how it is told: while a flow is built, when a request comes in, while it runs.
#include <tailrace/tailrace.h>

#include <future>
#include <iostream>
#include <stdexcept>
#include <thread>

namespace tr = tailrace;

// Everything that is wrong with a flow comes at once, as a value. (A stage that does not fit its stream does not even
// compile.)
void wrong_flows() {
  auto twice = [](const int& x) { return 2 * x; };
  auto flow = tr::flow<int>("wrong", [&](tr::Stream<int> in) {
    in.then("forgotten", twice);
    return in.then("twice", twice).then("twice", twice);
  });
  auto plan = tr::optimise(flow, {.without = {"fusee"}});
  std::cout << plan.error().what() << "\n\n";
}

// A stage fails by throwing or by returning an Error; either way the request's outcome names it.
int half(const int& x) {
  if (x % 2) throw std::invalid_argument("odd: " + std::to_string(x));
  return x / 2;
}
tr::Result<int> small(const int& x) {
  if (x > 100) return tr::Error(tr::Code::bad_value, "more than 100");
  return x;
}

void print(int in, const tr::Outcome<int>& out) {
  if (out) std::cout << in << ": " << *out << "\n";
  else
    std::cout << in << ": " << tr::name(out.error().code()) << " at '" << out.error().where()
              << "': " << out.error().what() << "\n";
}

// Sees what happens inside an engine, from any thread. Without one, nothing is printed or logged anywhere.
struct Printer final : tr::Observer {
  std::promise<void> callback_failed;

  void on_event(const tr::Event& event) noexcept override {
    if (event.kind == tr::Event::Kind::refused) std::cout << "(refused: " << event.what << ")\n";
    if (event.kind != tr::Event::Kind::callback_failed) return;
    std::cout << "(a callback threw: " << event.what << ")\n";
    callback_failed.set_value();
  }
};

void failing_stages() {
  auto flow = tr::flow<int>("halves", [](tr::Stream<int> in) { return in.then("small", small).then("half", half); });
  auto engine = tr::start(flow, {.threads = 1}).value();
  for (int in : {8, 7, 102}) print(in, engine.run(in));
  std::cout << "\n";
}

// Requests in flight are bounded. One more is refused at once and costs nothing.
void overload() {
  std::promise<void> door;
  auto wait = [open = door.get_future().share()](const int& x) { return open.wait(), x; };
  auto flow = tr::flow<int>("busy", [&](tr::Stream<int> in) { return in.then("wait", wait); });
  auto printer = std::make_shared<Printer>();
  auto engine = tr::start(flow, {.threads = 1, .max_in_flight = 1, .observer = printer}).value();

  tr::Handle<int> first = engine.submit(1);
  print(2, engine.run(2));
  door.set_value();
  while (!first.ready()) std::this_thread::yield();
  print(3, engine.run(3));  // an answer that nobody has taken keeps its place
  print(1, first.get());

  // With a callback there is no handle: a refusal is the Status, and an exception goes to the Observer.
  tr::Status accepted = engine.submit(4, {}, [](tr::Outcome<int> out) {
    print(4, out);
    throw std::runtime_error("the disk is full");
  });
  if (accepted) printer->callback_failed.get_future().wait();
  engine.stop();
  print(5, engine.run(5));
}

int main() {
  wrong_flows();
  failing_stages();
  overload();
}
