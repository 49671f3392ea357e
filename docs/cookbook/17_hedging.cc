// A second call for requests that are slow: by a fixed delay, and by one that is learned. All of it on virtual time, so
// that it takes no time and prints the same everywhere.
#include <tailrace/sim/virtual_time.h>
#include <tailrace/tailrace.h>

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace tr = tailrace;
using namespace std::chrono_literals;

namespace {

// A service that answers after 4 to 6 ms, and one time in fifty after 150 ms more.
class Service {
 public:
  explicit Service(std::shared_ptr<tr::sim::VirtualTime> time) : time_(std::move(time)) {}
  void operator()(const int& key, tr::Completion<int> done) const {
    const auto stall = draw() % 50 == 0 ? 150ms : 0ms;
    time_->call_after(
        4ms + std::chrono::microseconds(draw() % 2000) + stall,
        [key, done = std::make_shared<tr::Completion<int>>(std::move(done))] { done->complete(key * 2); });
  }

 private:
  unsigned draw() const { return static_cast<unsigned>((*random_ = *random_ * 6364136223846793005u + 1) >> 33); }
  std::shared_ptr<tr::sim::VirtualTime> time_;
  std::shared_ptr<std::uint64_t> random_ = std::make_shared<std::uint64_t>(7);
};

auto lookup(const std::shared_ptr<tr::sim::VirtualTime>& time, const tr::PolicyUse& policy) {
  return tr::flow<int>("lookup", [&](tr::Stream<int> key) {
    return tr::hedge("ask", key, policy, tr::stage(Service(time), {.replicable = true}));
  });
}

void try_out(const std::string& name, const tr::PolicyUse& policy) {
  const auto time = tr::sim::virtual_time({.workers = 4}).value();
  auto engine = tr::start(lookup(time, policy), {.executor = time}).value();
  std::vector<double> ms;
  for (int i = 0; i < 5000; ++i) {
    const auto began = time->now();
    if (engine.submit(i).get().value_or(-1) != 2 * i) std::cout << "a wrong answer\n";
    ms.push_back(std::chrono::duration<double, std::milli>(time->now() - began).count());
  }
  std::sort(ms.begin(), ms.end());
  const auto figures = engine.figures();
  std::cout << std::setw(24) << std::left << name << std::fixed << std::setprecision(1) << "p50 " << ms[2500]
            << " ms, p99 " << std::setw(5) << std::right << ms[4950] << " ms, second calls " << std::setw(4)
            << figures.copies << ", of them first " << figures.copies_won << "\n";
}

// What tr::measure would say of such a service, and of what stands around it.
constexpr auto measured = R"({
  "profile": "lookup",
  "measured": {"machine": "an example", "threads": 4},
  "wake": {"calls": 50, "min": 1e-5, "mean": 3e-5, "p50": 3e-5, "p90": 4e-5, "p99": 9e-5},
  "costs": [
    {"where": "ask", "of_input": 0,
     "time": {"calls": 5000, "min": 4e-3, "mean": 8e-3, "p50": 5e-3, "p90": 5.9e-3, "p99": 155e-3}},
    {"where": "key", "time": {"calls": 5000, "min": 1e-7, "mean": 1e-7, "p50": 1e-7, "p90": 1e-7, "p99": 1.5e-7}},
    {"where": "pay", "time": {"calls": 5000, "min": 4e-3, "mean": 6e-3, "p50": 5e-3, "p90": 6e-3, "p99": 50e-3}}]
})";

void find_where_it_pays() {
  const auto same = tr::named("same", [](int key) { return key; });
  const auto slow = [](int key, tr::Completion<int> done) { done.complete(key); };
  const auto flow = tr::flow<int>("lookup", [&](tr::Stream<int> x) {
    return x.then("key", same).then("ask", tr::stage(slow, {.replicable = true})).then("pay", slow);
  });
  const auto profile = tr::read_profile(measured).value();
  const auto plan = tr::optimise(flow, {.profile = profile, .with = {"race"}}).value();
  const std::string text = tr::explain(plan), from = "how it runs", race = "  race\n", fuse = "  fuse";
  std::cout << text.substr(text.find(from), text.find("\n\n", text.find(from)) - text.find(from)) << "\n\n"
            << text.substr(text.find(race), text.find(fuse) - text.find(race)) << "\n";
}

}  // namespace

int main() {
  try_out("never", {"never"});
  try_out("after 10 ms", {"fixed", {{"delay_ms", 10}}});
  try_out("the slowest 5 %", {"quantile", {{"quantile", 0.95}}});
  try_out("a race of two", {"race_all"});
  try_out("adaptive", {"adaptive"});

  find_where_it_pays();

  // What cannot be is said before anything runs.
  const auto time = tr::sim::virtual_time().value();
  std::cout << tr::start(lookup(time, {"adaptiv"}), {.executor = time}).error().what() << "\n";
  const auto once = tr::flow<int>("once", [](tr::Stream<int> key) {
    return tr::hedge("pay", key, {"adaptive"}, [](int amount) { return amount; });
  });
  std::cout << tr::optimise(once).error().what() << "\n";
}
