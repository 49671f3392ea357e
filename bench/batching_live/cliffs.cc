#include <algorithm>
#include <atomic>
#include <thread>

#include "batching_live/live.h"
#include "tailrace/exec/start.h"

namespace batching {

using bench::Results, bench::text;

namespace {

constexpr std::uint32_t rows = 64;
constexpr int repeats = 5;

// Seconds from when the stage is free until all of `n` that wait then are answered. `begun`: calls, counted.
double time_for(const tr::Plan<int, int>& plan, const std::atomic<std::uint64_t>& begun, std::uint32_t n) {
  auto engine = tr::start(plan, {.threads = 1}).value();
  std::vector<tr::TimePoint> answered(n + 1);
  std::atomic<std::uint32_t> left{n + 1};
  const auto send = [&](std::uint32_t i) {
    const auto sent = engine.submit(static_cast<int>(i), {}, [&, i](const tr::Outcome<int>& o) {
      if (o && *o == static_cast<int>(i)) answered[i] = tr::Clock::now();
      left.fetch_sub(1, std::memory_order_release);
    });
    if (!sent) throw bench::WrongAnswer{"a request was refused: " + std::string(sent.error().what())};
  };
  const auto before = begun.load();
  send(0);  // holds the stage
  while (begun.load(std::memory_order_acquire) == before) std::this_thread::yield();
  for (std::uint32_t i = 1; i <= n; ++i) send(i);
  while (left.load(std::memory_order_acquire) > 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
  if (std::count(answered.begin(), answered.end(), tr::TimePoint{}) > 0) throw bench::WrongAnswer{"a row is lost"};
  return tr::to_seconds(*std::max_element(answered.begin(), answered.end()) - answered[0]);
}

struct Over {
  double sum[2] = {}, most[2] = {};  // of the least time; table, greedy
  std::uint32_t at[2] = {};
};
Over times_of(const Subject& subject) {
  const auto least = least_times(subject.model, rows);
  const tr::Plan<int, int> plans[] = {subject.plan({"table"}, most), subject.plan({"greedy"}, most)};
  Over over;
  for (std::uint32_t n = 1; n <= rows; ++n) {
    std::vector<double> took[2];
    for (int round = 0; round < repeats; ++round)
      for (int k = 0; k < 2; ++k) {
        const int p = (k + round) % 2;
        took[p].push_back(time_for(plans[p], *subject.begun, n) / least[n]);
      }
    for (int p = 0; p < 2; ++p) {
      const double median = bench::stats(took[p]).median;
      over.sum[p] += median / rows;
      if (median > over.most[p]) over.most[p] = median, over.at[p] = n;
    }
  }
  return over;
}

}  // namespace

void live_cliffs(const std::vector<Subject>& subjects, const bench::Options& options, Results& results) {
  bench::Table details{
      "e5: all of 1 to 64 rows that wait at once, live",
      "Time until the last one is answered, over the least time that dynamic programming finds; medians of " +
          std::to_string(repeats) + " in turns.",
      {"model", "table, mean", "table, worst", "at", "greedy, mean", "greedy, worst", "at", ""},
      {}};
  double worst = 0, of_greedy = 0;
  bool any_void = false;
  for (const Subject& subject : subjects) {
    Over over;
    bool is_void = true;
    for (int attempt = 0; attempt < options.attempts && is_void; ++attempt) {
      const bench::ForeignLoad foreign;
      over = times_of(subject);
      is_void = foreign.share() > options.most_foreign;
    }
    any_void = any_void || is_void;
    worst = std::max(worst, over.most[0]);
    of_greedy = std::max(of_greedy, over.most[1]);
    details.rows.push_back({subject.model.name, text(over.sum[0], 4), text(over.most[0], 4), std::to_string(over.at[0]),
                            text(over.sum[1], 4), text(over.most[1], 4), std::to_string(over.at[1]),
                            is_void ? "void" : ""});
  }
  results.figures.push_back({"e5.live.over_optimum",
                             "time under table over the optimum, worst number of rows and model, live", worst, 1.01,
                             "x", any_void});
  results.figures.push_back({"e5.live.greedy", "the same of greedy", of_greedy, {}, "x", any_void});
  results.tables.push_back(std::move(details));
}

}  // namespace batching
