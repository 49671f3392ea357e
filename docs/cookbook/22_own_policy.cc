// A policy of one's own, written once: tested by calling it, simulated under load, and run live.
#include <tailrace/policy/catalog.h>
#include <tailrace/sim/service.h>
#include <tailrace/sim/simulate.h>
#include <tailrace/tailrace.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace tr = tailrace;
namespace sim = tr::sim;
using namespace std::chrono_literals;

namespace {

// Asks again when a call has taken several times as long as calls take on average, and somebody has nothing to do. The
// State is all that it remembers; it has no clock, lock or thread, and takes no memory.
struct Patient {
  static constexpr int enough = 8;  // calls, before it believes their mean
  struct State {
    int seen = 0;
    double mean = 0;  // seconds
  };
  double times;
  tr::Duration least;

  tr::HedgeAction decide(const tr::HedgeSnapshot& call, tr::TimePoint, State& known) const noexcept {
    using Kind = tr::HedgeAction::Kind;
    if (call.age > tr::Duration{}) {
      if (call.busy < call.places) return {Kind::start, {}};
      return {Kind::wait, call.age + std::max(least, tr::to_duration(known.mean))};
    }
    if (known.seen < enough) return {Kind::leave, {}};
    return {Kind::wait, std::max(least, tr::to_duration(times * known.mean))};
  }
  // Of copies it hears how old the call was by then, which is the least that the call would have taken.
  void observe(State& known, const tr::HedgeSample& sample) const noexcept {
    if (sample.kind == tr::HedgeSample::Kind::stopped) return;
    const double took = tr::to_seconds(sample.kind == tr::HedgeSample::Kind::copy ? sample.age : sample.took);
    known.mean += (took - known.mean) / std::min(++known.seen, 64);
  }
  tr::HedgeBudget budget() const noexcept { return {.share = .1, .burst = 8}; }
};

// Its name and parameters, for flows and JSON.
std::shared_ptr<const tr::PolicyCatalog> policies() {
  tr::PolicyCatalog catalog;
  catalog.add_hedge("patient", {{"times", 3, 1, 100}, {"least_ms", 0, 0, 1000}}, [](const tr::Parameters& p) {
    return Patient{p.number("times", 3), tr::to_duration(1e-3 * p.number("least_ms", 0))};
  });
  return std::make_shared<const tr::PolicyCatalog>(std::move(catalog));
}

// ---- 1. What it decides, by calls of a function

void test(const tr::PolicyCatalog& catalog) {
  const auto policy = catalog.hedge({"patient", {{"times", 3}}}).value();
  const auto state = policy->start(1);
  const auto decide = [&](tr::Duration age, std::uint32_t busy) {
    const auto action = policy->decide({.age = age, .busy = busy, .places = 2}, {}, *state);
    switch (action.kind) {
      case tr::HedgeAction::Kind::leave: return std::string("leave it alone");
      case tr::HedgeAction::Kind::start: return std::string("ask again");
      case tr::HedgeAction::Kind::wait: break;
    }
    return "wait until it is " + std::to_string(action.age / 1ms) + " ms old";
  };
  std::cout << "tested: a first call: " << decide(0ms, 0) << "\n";
  for (int i = 0; i < 20; ++i) policy->observe(*state, {.took = 10ms});
  std::cout << "tested: when calls take 10 ms: " << decide(0ms, 0) << "\n"
            << "tested: 30 ms old, one of two places taken: " << decide(30ms, 1) << "\n"
            << "tested: 30 ms old, both taken: " << decide(30ms, 2) << "\n";
}

// ---- 2. What it gives under load, on virtual time

void simulate(const std::shared_ptr<const tr::PolicyCatalog>& catalog, const tr::PolicyUse& policy) {
  const auto flow = tr::flow<int>("lookup", [&](tr::Stream<int> key) {
    const auto usual = sim::uniform(4ms, 6ms), stall = sim::uniform(100ms, 200ms);
    const auto service = sim::service<int>(sim::mixture({{.98, usual}, {.02, stall}}),
                                           {.seed = 2, .holds_worker = false, .looks_every = 1ms});
    return tr::hedge("ask", key, policy, tr::stage(service, {.replicable = true, .limit = 8}));
  });
  const auto report = sim::simulate(tr::optimise(flow).value(), sim::Workload<int>{tr::load::Poisson{500}},
                                    {.seed = 1, .workers = 4, .requests = 20000, .policies = catalog})
                          .value();
  std::printf("simulated: %-8s p50 %.1f ms, p99 %5.1f ms, %.3f second calls a request\n", policy.name.c_str(),
              1e3 * tr::to_seconds(report.latency.p50), 1e3 * tr::to_seconds(report.latency.p99), report.duplicates());
}

// ---- 3. The same on threads and the real clock

// A service that answers at once, but for the first call of every tenth key: that one is never heard of again.
class Service {
 public:
  void operator()(const int& key, tr::Completion<int> done) const {
    if (key % 10 != 9) return (void)done.complete(2 * key);
    const std::lock_guard lock(lost_->mutex);
    if (std::exchange(lost_->key, key) == key) return (void)done.complete(2 * key);
    lost_->calls.push_back(std::move(done));
  }
  void give_up() const {
    const std::lock_guard lock(lost_->mutex);
    lost_->calls.clear();
  }

 private:
  struct Lost {
    std::mutex mutex;
    int key = -1;
    std::vector<tr::Completion<int>> calls;
  };
  std::shared_ptr<Lost> lost_ = std::make_shared<Lost>();
};

void run(const std::shared_ptr<const tr::PolicyCatalog>& catalog) {
  const Service service;
  const auto flow = tr::flow<int>("lookup", [&](tr::Stream<int> key) {
    const tr::PolicyUse policy{"patient", {{"least_ms", 20}}};
    return tr::hedge("ask", key, policy, tr::stage(service, {.replicable = true}));
  });
  auto engine = tr::start(flow, {.threads = 2, .policies = catalog}).value();
  int right = 0, by_the_second = 0;
  for (int key = 0; key < 50; ++key) {
    const auto answer = engine.submit(key).get();
    right += answer.value_or(-1) == 2 * key;
    by_the_second += key % 10 == 9 && answer.winner == 1;
  }
  std::cout << "live: " << right << " of 50 answers are right, " << by_the_second
            << " of 5 lost calls were asked again\n";
  service.give_up();  // who keeps Completions lets go of them before the engine ends
}

}  // namespace

int main() {
  const auto catalog = policies();
  test(*catalog);
  simulate(catalog, {"never"});
  simulate(catalog, {"patient"});
  std::fflush(stdout);
  run(catalog);
}
