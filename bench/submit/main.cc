#include <algorithm>
#include <ctime>

#include "submit/scenario.h"
#include "support/program.h"
#include "support/requests.h"

namespace submitting {
namespace {

using namespace std::chrono_literals;
using bench::Comparison, bench::Results, bench::Series, bench::text;
using Clock = std::chrono::steady_clock;

// Where two systems are compared, the second one is the rival that does the same by hand.
std::vector<Asked> systems() {
  std::vector<Asked> all = {submit_to_arena()};
#if TAILRACE_HAS_TBB
  all.push_back(enqueue_and_look());
  all.push_back(enqueue_and_future());
#endif
  all.push_back(submit_to_pool());
  all.push_back(queue_and_look());
  all.push_back(queue_and_future());
  all.push_back(wake_and_spin());
  return all;
}
std::size_t place(const std::vector<Asked>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Asked& a) { return a.name == name; });
  return static_cast<std::size_t>(found - all.begin());
}

double nanoseconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

struct Round {
  double time = 0;   // of a request, at the median, ns
  double burnt = 0;  // processor time of a request, of all threads, without the asker's between requests
};
// The asker looks at the clock between requests, so that what sleeps is the one who works.
Round ask(const Asked& system, int count, std::chrono::nanoseconds gap) {
  std::vector<double> times;
  Value x = 5;
  double pauses = 0;
  const double before = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
  for (int i = 0; i < count; ++i) {
    const double pause = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    for (const auto end = Clock::now() + gap; Clock::now() < end;) {
    }
    pauses += nanoseconds(CLOCK_THREAD_CPUTIME_ID) - pause;
    const auto begin = Clock::now();
    x = system.ask(x);
    times.push_back(std::chrono::duration<double, std::nano>(Clock::now() - begin).count());
  }
  const double burnt = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - before - pauses;
  return {bench::stats(std::move(times)).median, std::max(0., burnt / count)};
}

void check(const std::vector<Asked>& all) {
  for (const Asked& a : all)
    for (const Value x : {0u, 5u, 12345u})
      if (const auto got = a.ask(x); got != work(x))
        throw bench::WrongAnswer{a.name + " answered " + std::to_string(got) + " to " + std::to_string(x)};
}
void smoke() { check(systems()); }

void figure(Results& r, const std::vector<Asked>& all, const Comparison& c, const std::string& gap, const char* ours,
            const char* rival, const std::string& name, double limit) {
  const auto a = place(all, ours), b = place(all, rival);
  if (b == all.size()) return;
  r.figures.push_back({"m5." + name + "_" + gap,
                       std::string(ours) + " against " + rival + ", " + gap + " between requests",
                       bench::stats(bench::divide(c.arms[a], c.arms[b])).median, limit, "x", !c.quiet});
}

void measure_gap(const bench::Options& options, std::chrono::nanoseconds gap, Results& r, bench::Table& table) {
  const auto all = systems();
  check(all);
  std::vector<Series> burnt(all.size());
  const int count = static_cast<int>(20ms / (gap + 5us));
  const Comparison c = bench::take_turns(
      all.size(),
      [&](std::size_t i) {
        const Round round = ask(all[i], count, gap);
        burnt[i].push_back(round.burnt);
        return round.time;
      },
      options);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto time = bench::stats(c.arms[i]);
    table.rows.push_back({bench::in_words(gap), all[i].name, text(time.min / 1000), text(time.median / 1000),
                          text(time.spread * 100, 0), text(bench::stats(burnt[i]).median / 1000),
                          text(c.foreign * 100, 1)});
  }
  const auto us = std::to_string(gap / 1us) + "us";
  figure(r, all, c, us, "submit", "enqueue and look", "look", 1.2);
  figure(r, all, c, us, "submit", "enqueue and future", "future", 1.2);
  figure(r, all, c, us, "submit, pool", "queue and look", "pool_look", 1.2);
  figure(r, all, c, us, "submit, pool", "queue and future", "pool_future", 1.2);
  if (gap >= 100us) figure(r, all, c, us, "submit", "one futex wake", "wake", 1.05);
}

void measure(const bench::Options& options, Results& r) {
  bench::Table table{"m5: there and back",
                     "Medians of rounds, each a median of requests; processor time of all threads for one request, "
                     "without the asker's between requests.",
                     {"gap", "system", "us least", "us median", "spread %", "processor us", "others %"},
                     {}};
  for (const auto gap : {std::chrono::nanoseconds(5us), std::chrono::nanoseconds(300us)})
    measure_gap(options, gap, r, table);
  r.tables.push_back(std::move(table));
}

}  // namespace
}  // namespace submitting

int main(int argc, char** argv) {
  return bench::run_program({"submit", "From another thread and back", submitting::smoke, submitting::measure}, argc,
                            argv);
}
