#include "tailrace/exec/measure.h"

#include <algorithm>
#include <new>
#include <string>
#include <tuple>

#include "exec/here.h"
#include "exec/measure_threads.h"
#include "exec/measure_walk.h"
#include "tailrace/exec/start.h"
#include "tailrace/opt/optimise.h"

namespace tailrace::detail {

namespace {

using namespace std::chrono_literals;

std::string compiler() {
#if defined(__clang__)
  return "clang++ " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

Problems mistakes(std::size_t samples, const MeasureOptions& options) {
  Problems problems;
  if (samples == 0) problems.add(Code::bad_value, "samples", "needs at least one sample, got none");
  if (options.rounds == 0) problems.add(Code::bad_value, "rounds", "needs at least one round, got 0");
  return problems;
}

// Runs samples in rounds until all are done or the time is up.
class Rounds {
 public:
  Rounds(Walk& walk, const void* samples, std::size_t count, MakeSample make, const MeasureOptions& options)
      : walk_(walk), samples_(samples), count_(count), make_(make), options_(options) {}

  void run() {
    const auto begin = Clock::now();
    const auto end = begin + options_.budget, warm = begin + options_.budget / 5;
    for (unsigned r = 0; r < options_.warm_up && (r == 0 || Clock::now() < warm); ++r) round(warm, [](double) {});
    walk_.forget();
    for (unsigned r = 0; r < options_.rounds && (r == 0 || Clock::now() < end); ++r) {
      round(end, [&](double part) {
        const double of_rounds = (r + part) / options_.rounds;
        const double of_time = std::chrono::duration<double>(Clock::now() - begin) / options_.budget;
        tell(std::max(of_rounds, of_time));
      });
      walk_.end_round();
    }
  }

 private:
  template <class Tell>
  void round(TimePoint end, Tell tell) {
    for (std::size_t i = 0; i < count_ && (i == 0 || Clock::now() < end); ++i) {
      walk_.run([&](void* slot) { make_(slot, samples_, i); });
      tell(static_cast<double>(i + 1) / static_cast<double>(count_));
    }
  }
  void tell(double done) {
    const auto now = Clock::now();
    if (!options_.progress || now < next_told_) return;
    next_told_ = now + 50ms;
    options_.progress(std::min(1., done));
  }

  Walk& walk_;
  const void* samples_;
  const std::size_t count_;
  const MakeSample make_;
  const MeasureOptions& options_;
  TimePoint next_told_{};
};

Profile profile_of(const Graph& graph, Walk& walk, const std::shared_ptr<Executor>& executor, Duration budget) {
  Profile p;
  p.flow = graph.name;
  p.measured = {this_machine(), today(), compiler(), executor->concurrency()};
  p.hand_over = measure_hand_over(executor);
  p.wake = measure_wake(*executor, static_cast<int>(std::clamp<Duration::rep>(budget / 20ms, 3, 50)));
  p.costs = walk.costs();
  std::stable_sort(p.costs.begin(), p.costs.end(), [](const Cost& a, const Cost& b) {
    return std::tie(a.where, a.variant) < std::tie(b.where, b.variant);
  });
  p.costs.erase(std::unique(p.costs.begin(), p.costs.end(),
                            [](const Cost& a, const Cost& b) { return a.where == b.where && a.variant == b.variant; }),
                p.costs.end());
  return p;
}

}  // namespace

Built<Profile> measure_graph(const std::shared_ptr<const Graph>& graph, const void* samples, std::size_t count,
                             MakeSample make, const MeasureOptions& options) {
  if (Problems problems = mistakes(count, options); !problems.empty()) return problems;
  const auto plan = optimise(graph, {.models = options.models});
  if (!plan) return plan.error();
  std::shared_ptr<Executor> executor = options.executor;
  if (!executor) {
    auto own = own_executor(default_threads);
    if (!own) return std::move(own).error();
    executor = *std::move(own);
  }
  try {
    Walk walk(*plan->graph, options.models);
    Rounds(walk, samples, count, make, options).run();
    Profile profile = profile_of(*plan->graph, walk, executor, options.budget);
    if (options.progress) options.progress(1);
    return profile;
  } catch (const std::bad_alloc&) {
    return Problems(Code::out_of_memory, graph->name, "no memory left for one request's values");
  }
}

}  // namespace tailrace::detail
