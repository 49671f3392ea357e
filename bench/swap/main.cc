// Hot swap under load: whether anything is lost, and what it does to the tail.
#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "support/program.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/flow.h"
#include "tailrace/load/driver.h"

namespace swap_plans {
namespace {

using namespace std::chrono_literals;
using bench::Results, bench::text;
namespace tr = tailrace;

constexpr double rate = 2000;
constexpr tr::Duration between_swaps = 5ms, model_takes = 100us;

using Row = std::array<float, 1>;

// Gives its input back after a while, and counts how often it was loaded.
class Slow final : public tr::Model {
 public:
  Slow() { ++loaded; }
  Slow(const Slow&) = delete;
  tr::Status run(std::span<const tr::Tensor> inputs, std::span<tr::Tensor> outputs) const noexcept override {
    for (const auto end = tr::Clock::now() + model_takes; tr::Clock::now() < end;) {
    }
    outputs[0] = inputs[0];
    return {};
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "a slow model"; }
  inline static std::atomic<int> loaded{0};
};

// The n-th request's answer is 2 n + the plan's number.
tr::Plan<int, int> plan_of(const tr::Registry& models, int number) {
  const auto flow = tr::flow<int>("serve", [&](tr::Stream<int> x) {
    return x.then("row", [](int n) { return Row{static_cast<float>(n)}; })
        .then("model", tr::model<Row, Row>("slow"))
        .then("label", [number](const Row& r) { return 2 * static_cast<int>(r[0]) + number; });
  });
  tr::OptimiseOptions options;
  options.models = models;
  if (number == 1) options.without = {"fuse"};
  return tr::optimise(flow, options).value();
}

struct Run {
  tr::load::DriveReport load;
  std::uint64_t swaps = 0;
  std::vector<double> swap_us;  // of replace()
  std::uint64_t lost = 0, twice = 0, wrong = 0;
  std::array<std::uint64_t, 2> by_plan{};
};

class Bench {
 public:
  Bench() {
    models_.add("slow", {.name = "one", .model = std::make_shared<Slow>(), .accuracy = .9, .latency = model_takes});
    for (int number : {0, 1}) plans_.push_back(plan_of(models_, number));
  }

  Run run(bool swaps, std::uint64_t requests) const {
    Run r;
    std::vector<std::atomic<std::uint8_t>> answers(requests);
    std::array<std::atomic<std::uint64_t>, 2> by_plan{};
    std::atomic<std::uint64_t> wrong{0};
    {
      auto engine = tr::start(plans_[0], {.threads = 1}).value();
      std::atomic<bool> over{false};
      std::thread swapper([&] {
        while (swaps && !over) swap(engine, r);
      });
      const auto submit = [&](tr::load::Done done) {
        const std::uint64_t n = done.number();
        const auto status = engine.submit(static_cast<int>(n), {}, [&, n, done](const tr::Outcome<int>& o) {
          if (o && static_cast<std::uint64_t>(*o / 2) == n) ++by_plan[static_cast<std::size_t>(*o % 2)];
          else ++wrong;
          if (++answers[n] == 1) done(o);
        });
        if (!status) done(status.error().code());
      };
      r.load = tr::load::drive(tr::load::Poisson{rate}, submit, {.requests = requests}).value();
      over = true;
      swapper.join();
    }
    for (const auto& count : answers) r.lost += count == 0, r.twice += count > 1;
    r.wrong = wrong;
    for (std::size_t i = 0; i < 2; ++i) r.by_plan[i] = by_plan[i];
    return r;
  }

 private:
  void swap(tr::Engine<int, int>& engine, Run& r) const {
    std::this_thread::sleep_for(between_swaps);
    const auto begin = tr::Clock::now();
    if (!engine.replace(plans_[(r.swaps + 1) % 2]).empty()) throw bench::WrongAnswer{"a plan was refused"};
    r.swap_us.push_back(1e6 * tr::to_seconds(tr::Clock::now() - begin));
    ++r.swaps;
  }

  tr::Registry models_;
  std::vector<tr::Plan<int, int>> plans_;
};

void check(const Run& r, bool swaps) {
  if (r.lost || r.twice || r.wrong) throw bench::WrongAnswer{"requests were lost, answered twice or wrongly"};
  if (swaps && (!r.by_plan[0] || !r.by_plan[1])) throw bench::WrongAnswer{"one of the plans answered nothing"};
}

void smoke() {
  const int before = Slow::loaded;
  const Bench bench;
  check(bench.run(true, 300), true);
  check(bench.run(false, 50), false);
  if (Slow::loaded != before + 1) throw bench::WrongAnswer{"the model was loaded more than once"};
}

std::string us(tr::Duration time) { return text(1e6 * tr::to_seconds(time), 0); }

std::vector<std::string> row(const std::string& what, const Run& r) {
  auto took = r.swap_us;
  std::sort(took.begin(), took.end());
  const auto at = [&](double q) {
    return took.empty() ? "" : text(took[static_cast<std::size_t>(q * static_cast<double>(took.size() - 1))], 0);
  };
  return {what,
          text(r.load.rate(), 0),
          std::to_string(r.swaps),
          us(r.load.latency.at(.5)),
          us(r.load.latency.at(.99)),
          us(r.load.latency.at(.999)),
          at(.5),
          at(1)};
}

void measure(const bench::Options& options, Results& results) {
  constexpr std::uint64_t requests = 6000;
  const int loaded_before = Slow::loaded;
  const Bench bench;
  std::uint64_t lost = 0, twice = 0, swaps = 0, all = 0;
  std::array<Run, 2> last;
  const auto once = [&](std::size_t arm) {
    last[arm] = bench.run(arm == 1, requests);
    lost += last[arm].lost + last[arm].wrong;
    twice += last[arm].twice;
    swaps += last[arm].swaps;
    all += requests;
    return static_cast<double>(last[arm].load.latency.at(.99).count());
  };
  auto rounds = options;
  rounds.rounds = std::min(options.rounds, 5);  // six seconds each
  const auto c = bench::take_turns(2, once, rounds);
  const double ratio = bench::stats(bench::divide(c.arms[1], c.arms[0])).median;
  results.tables.push_back({"Replacing the plan 200 times a second",
                            std::to_string(requests) + " requests a run, on one thread; the last of " +
                                std::to_string(rounds.rounds) + " rounds. Times in us.",
                            {"arm", "requests/s", "swaps", "p50", "p99", "p99.9", "replace, median", "longest"},
                            {row("the plan stays", last[0]), row("it is replaced", last[1])}});
  const std::string of = " of " + std::to_string(all) + " requests, " + std::to_string(swaps) + " swaps";
  results.figures.push_back(
      {"swap.lost", "lost, refused or answered wrongly" + of, static_cast<double>(lost), 0, "requests", false});
  results.figures.push_back({"swap.twice", "answered twice" + of, static_cast<double>(twice), 0, "requests", false});
  results.figures.push_back({"swap.models", "how often the model that both plans ask was loaded",
                             static_cast<double>(Slow::loaded - loaded_before), 1, "loads", false});
  results.figures.push_back(
      {"swap.p99", "p99 while the plan is replaced, against the plan that stays", ratio, 1.5, "x", !c.quiet});
}

}  // namespace
}  // namespace swap_plans

int main(int argc, char** argv) {
  return bench::run_program({"swap", "Another plan under load", swap_plans::smoke, swap_plans::measure}, argc, argv);
}
