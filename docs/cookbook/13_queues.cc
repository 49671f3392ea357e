// Stages with a queue: one call at a time, a state for each stream, and one call for many requests.
#include <tailrace/tailrace.h>

#include <future>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace tr = tailrace;

namespace {

// The mean of what one sensor has sent: a state for each stream of requests.
struct Mean {
  double sum = 0;
  int count = 0;
};
double smooth(Mean& mean, const double& x) {
  mean.sum += x;
  return mean.sum / ++mean.count;
}

// One call for many rows: what waits while a call runs is answered by the next one.
void label(tr::Batch<double, std::string>& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (batch.in(i) < 0) batch.fail(i, {tr::Code::bad_value, "below zero"});
    else batch.put(i, batch.in(i) < 10 ? "low" : "high");
  }
}

std::string show(const tr::Outcome<std::string>& o) { return o ? *o : std::string(o.error().what()); }

}  // namespace

int main() {
  auto sensors = tr::flow<double>("sensors", [](tr::Stream<double> x) {
    return x.then("smooth", tr::stateful<Mean>(smooth, {.per_stream = true}))
        .then("label", tr::stage(label, {.max_batch = 8}));
  });
  auto engine = tr::start(sensors, {.threads = 2}).value();
  std::cout << "sensor 1: " << show(engine.run(4, {.stream = 1})) << ", " << show(engine.run(30, {.stream = 1}))
            << '\n';
  std::cout << "sensor 2: " << show(engine.run(4, {.stream = 2})) << ", " << show(engine.run(-20, {.stream = 2}))
            << '\n';

  // A serial stage needs no lock. While it is busy the others wait in its queue, and the more urgent go first.
  std::promise<void> inside, open;
  std::vector<int> order;
  const auto write = [&](const int& x) {
    if (x == 0) inside.set_value(), open.get_future().wait();
    order.push_back(x);
    return x;
  };
  auto log =
      tr::flow<int>("log", [&](tr::Stream<int> x) { return x.then("write", tr::stage(write, {.serial = true})); });
  auto writer = tr::start(log, {.threads = 2}).value();
  std::vector<tr::Handle<int>> handles;
  const auto submit = [&](int x, const tr::Request& request) {
    handles.push_back(writer.submit(x, request));
    if (x == 0) inside.get_future().wait();
    while (writer.figures().waiting + 1 != handles.size()) std::this_thread::yield();  // until it stands in the queue
  };
  submit(0, {});
  submit(1, {});
  submit(2, {.priority = 1});
  open.set_value();
  for (auto& h : handles) (void)h.get();
  std::cout << "written: " << order[0] << ' ' << order[1] << ' ' << order[2] << '\n';
}
