#include <algorithm>
#include <iterator>

#include "fork/scenario.h"
#include "support/program.h"

namespace forking {
namespace {

using namespace std::chrono_literals;
using bench::Comparison, bench::Figure, bench::Results, bench::text;
using Nanoseconds = std::chrono::nanoseconds;

const std::vector<Nanoseconds> sizes = {1us, 3us, 10us, 30us, 100us, 300us, 1ms};
enum ArmNumber : std::size_t { in_order, together, as_decided, by_hand };

std::vector<Requests> arms(Nanoseconds size, Verdict& verdict) {
  const Spin step{bench::steps_for(size)};
  return {serial(step), forked(step), decided(step, verdict), enqueue_and_wait(step)};
}

void smoke() {
  Verdict verdict;
  for (const auto size : {1us, 100us}) bench::check_answers(arms(size, verdict));
}

struct Report {
  Results& results;
  double scaling;
  bench::Picture picture;
  bench::Table table;

  void add(Nanoseconds size, const char* state, const Comparison& c, const Verdict& verdict, bool warm) {
    std::vector<std::string> row = {bench::in_words(size), state, text(verdict.wake_us), verdict.forks ? "yes" : "no",
                                    text(bench::stats(c.arms[in_order]).median / 1000)};
    for (const auto arm : {together, as_decided, by_hand}) {
      const double ratio = bench::stats(bench::divide(c.arms[arm], c.arms[in_order])).median;
      row.push_back(text(ratio));
      picture.lines[(warm ? 0 : 3) + arm - 1].points.emplace_back(static_cast<double>(size.count()) / 1000, ratio);
    }
    table.rows.push_back(row);
    const double ratio = bench::stats(bench::divide(c.arms[as_decided], c.arms[in_order])).median;
    Figure f{std::string("m5b.") + state + "_" + std::to_string(size / 1us) + "us",
             std::string("what the pass decided (") + (verdict.forks ? "forked" : "not forked") + ") against serial, " +
                 state + ", two branches of " + bench::in_words(size),
             ratio,
             {},
             "x",
             !c.quiet};
    if (!verdict.forks) f.limit = 1.05;
    else if (warm) f.limit = .65;
    f.is_void = f.is_void || (verdict.forks && scaling < 1.85);
    results.figures.push_back(std::move(f));
  }
};

void measure(const bench::Options& options, Results& r) {
  Report report{r, bench::two_core_scaling(), {}, {}};
  r.figures.push_back(
      {"m5b.scaling", "what two threads that compute do in the time of one", report.scaling, {}, "x", false});
  report.picture = {
      "fork",
      "m5b: two branches of a join",
      "Time as a multiple of one branch after another, medians over rounds; what is above 3 is drawn there.",
      "branch, us",
      "x serial",
      {}};
  for (const char* state : {"warm", "cold"})
    for (const char* arm : {"forked", "decided", "by hand"})
      report.picture.lines.push_back({std::string(arm) + ", " + state, {}});
  report.picture.highest = 3;
  report.table = {"m5b: warm and cold",
                  "Multiples of serial, medians of requests and rounds.",
                  {"branch", "threads", "wake, us", "forks", "serial, us", "forked", "decided", "enqueue and wait"},
                  {}};
  for (const auto size : sizes) {
    Verdict verdict;
    const auto all = arms(size, verdict);
    bench::check_answers(all);
    const int warm = std::clamp(static_cast<int>(20ms / (2 * size)), 10, 2000);
    report.add(size, "warm", bench::time_requests(all, warm, 0ns, options), verdict, true);
    report.add(size, "cold", bench::time_requests(all, 15, 2ms, options), verdict, false);
  }
  r.pictures.push_back(std::move(report.picture));
  r.tables.push_back(std::move(report.table));
}

}  // namespace
}  // namespace forking

int main(int argc, char** argv) {
  return bench::run_program({"fork", "Joins that fork", forking::smoke, forking::measure}, argc, argv);
}
