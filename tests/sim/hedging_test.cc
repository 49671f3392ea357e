// Hedging by the engine itself, on virtual time, against formulas.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <memory>
#include <vector>

#include "support/steps.h"
#include "tailrace/policy/catalog.h"
#include "tailrace/sim/event_log.h"
#include "tailrace/sim/virtual_time.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

constexpr double median = 0.01, sigma = 1;

// A stage that answers after times drawn from a lognormal distribution, at the next checkpoint after it was told to
// stop where it has any.
class Slow {
 public:
  explicit Slow(std::shared_ptr<sim::VirtualTime> time, std::uint64_t seed) : time_(std::move(time)), random_(seed) {}
  auto stage(unsigned limit = 0) {
    return tailrace::stage(
        [this](const int& in, Completion<int> done) {
          const double seconds = median * std::exp(sigma * normal());
          time_->call_after(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)),
                            [in, done = std::make_shared<Completion<int>>(std::move(done))] { done->complete(in); });
        },
        {.replicable = true, .limit = limit});
  }

 private:
  double uniform() {
    random_ = random_ * 6364136223846793005ull + 1442695040888963407ull;
    return (static_cast<double>(random_ >> 11) + 1) * 0x1p-53;
  }
  double normal() {
    const double u = uniform(), v = uniform();
    return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
  }
  std::shared_ptr<sim::VirtualTime> time_;
  std::uint64_t random_;
};

double below(double t) { return t <= 0 ? 0 : 0.5 * std::erfc(-std::log(t / median) / sigma / std::sqrt(2.0)); }

template <class F>
double solve_p99(F above) {
  double low = 0, high = 10;
  for (int i = 0; i < 100; ++i) (above((low + high) / 2) > 0.01 ? low : high) = (low + high) / 2;
  return low;
}

// p99 in seconds of requests one after another, so that there is no queue.
double p99_under(const PolicyUse& policy, int requests = 200000) {
  const auto time = sim::virtual_time({.workers = 4}).value();
  Slow slow(time, 42);
  auto engine =
      start(from_int([&](Stream<int> s) { return hedge("h", s, policy, slow.stage()); }), {.executor = time}).value();
  std::vector<double> times;
  for (int i = 0; i < requests; ++i) {
    const TimePoint began = time->now();
    if (engine.submit(i).get().value_or(-1) != i) return -1;
    times.push_back(std::chrono::duration<double>(time->now() - began).count());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() * 99 / 100];
}

}  // namespace

TEST_CASE("hedging on virtual time: the engine's p99 is the formula's") {
  CHECK(p99_under({"never"}) == Approx(solve_p99([](double t) { return 1 - below(t); })).epsilon(0.02));
  CHECK(p99_under({"race_all"}) ==
        Approx(solve_p99([](double t) { return (1 - below(t)) * (1 - below(t)); })).epsilon(0.02));
  for (const auto& [d, q] : {std::pair{0.02, 1.0}, {0.025, 0.5}}) {
    const auto above = [d = d, q = q](double t) { return (1 - below(t)) * (1 - q * below(t - d)); };
    CHECK(p99_under({"reissue", {{"delay_ms", 1000 * d}, {"probability", q}}}) ==
          Approx(solve_p99(above)).epsilon(0.02));
  }
}

TEST_CASE("hedging on virtual time: adaptive needs no tuning where there is room") {
  const double alone = solve_p99([](double t) { return 1 - below(t); });
  const double raced = solve_p99([](double t) { return (1 - below(t)) * (1 - below(t)); });
  const double ours = p99_under({"adaptive"}, 50000);
  CHECK(alone - ours >= 0.8 * (alone - raced));
}

TEST_CASE("hedging on virtual time: what happens is said, and the same every time") {
  const auto run = [] {
    const auto time = sim::virtual_time({.workers = 2}).value();
    const auto log = std::make_shared<sim::EventLog>(time);
    Slow slow(time, 7);
    auto engine = start(from_int([&](Stream<int> s) {
                          return hedge("h", s, {"fixed", {{"delay_ms", 15}}}, slow.stage());
                        }),
                        {.executor = time, .observer = log})
                      .value();
    std::vector<Handle<int>> handles;
    for (int i = 0; i < 200; ++i) handles.push_back(engine.submit(i));
    for (auto& h : handles) (void)h.get();
    const auto figures = engine.figures();
    const std::string text = log->text();
    const auto count = [&](const std::string& word) {
      std::uint64_t n = 0;
      for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) ++n;
      return n;
    };
    CHECK(figures.copies > 20);
    CHECK(count("hedge_fired h") == figures.copies);
    CHECK(count("hedge_won h") == figures.copies_won);
    CHECK(count("hedge_won h") + count("hedge_wasted h") == figures.copies);
    return text;
  };
  CHECK(run() == run());
}

TEST_CASE("hedging on virtual time: what was learned outlives a plan that is replaced") {
  const auto time = sim::virtual_time({.workers = 2}).value();
  Slow slow(time, 9);
  const auto plan = [&] {
    return optimise(from_int([&](Stream<int> s) { return hedge("h", s, {"adaptive"}, slow.stage()); })).value();
  };
  auto engine = start(plan(), {.executor = time}).value();
  for (int i = 0; i < 2000; ++i) (void)engine.submit(i).get();
  const auto before = engine.figures().copies;
  CHECK(before > 100);
  CHECK(engine.replace(plan()).what() == "");
  for (int i = 0; i < 40; ++i) (void)engine.submit(i).get();  // fewer than a new State would learn from first
  CHECK(engine.figures().copies > before);
}
