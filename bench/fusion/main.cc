#include <algorithm>

#include "fusion/scenario.h"
#include "support/program.h"

namespace fusion {
namespace {

using namespace std::chrono_literals;
using bench::Arm, bench::Comparison, bench::Results, bench::Series, bench::text;
using Nanoseconds = std::chrono::nanoseconds;

const std::vector<Nanoseconds> sizes = {50ns, 100ns, 200ns, 500ns, 1us, 2us, 5us, 10us, 20us, 50us, 100us};
enum ArmNumber : std::size_t { in_loop, fused, unfused, fused_timed, unfused_timed, by_cost, in_graph };

std::vector<Arm> arms(Nanoseconds size) {
  const Spin step{bench::steps_for(size)};
  std::vector<Arm> all = {{"loop over std::function", loop(step)},
                          {"fused", chain(step, Fuse::all, false)},
                          {"unfused", chain(step, Fuse::none, false)},
                          {"fused, deadline", chain(step, Fuse::all, true)},
                          {"unfused, deadline", chain(step, Fuse::none, true)},
                          {"by cost, deadline", chain(step, Fuse::by_cost, true)}};
#if TAILRACE_HAS_TBB
  all.push_back({"flow graph", flow_graph(step)});
#endif
  return all;
}

double median_ratio(const Comparison& c, std::size_t arm, std::size_t by) {
  return bench::stats(bench::divide(c.arms[arm], c.arms[by])).median;
}

void smoke() {
  for (const auto size : {50ns, 1000ns}) bench::check_answers(arms(size));
}

void measure(const bench::Options& options, Results& r) {
  bench::Picture picture{"fusion",
                         "m3: a chain of ten, by the size of its operators",
                         "Time as a multiple of a loop over `std::function`, medians over rounds.",
                         "operator, ns",
                         "x loop",
                         {}};
  picture.lowest = .8;
  bench::Table table{"m3: fused and unfused", "Multiples of the loop; fused by unfused in the last column.", {}, {}};
  table.columns = {"operator", "loop, ns"};
  double worst = 0;
  bool quiet = true;
  for (const auto size : sizes) {
    const auto all = arms(size);
    const Comparison c = bench::compare(all, options);
    quiet = quiet && c.quiet;
    if (picture.lines.empty())
      for (std::size_t i = 1; i < all.size(); ++i) {
        picture.lines.push_back({all[i].name, {}});
        table.columns.push_back(all[i].name);
      }
    std::vector<std::string> row = {bench::in_words(size), text(bench::stats(c.arms[in_loop]).median, 0)};
    for (std::size_t i = 1; i < all.size(); ++i) {
      const double ratio = median_ratio(c, i, in_loop);
      picture.lines[i - 1].points.emplace_back(static_cast<double>(size.count()), ratio);
      row.push_back(text(ratio));
    }
    row.push_back(text(median_ratio(c, unfused_timed, fused_timed)) + (c.quiet ? "" : " (void)"));
    table.rows.push_back(std::move(row));
    worst = std::max(worst, std::max(median_ratio(c, by_cost, fused_timed), median_ratio(c, by_cost, unfused_timed)));
  }
  table.columns.push_back("unfused by fused, deadline");
  r.figures.push_back({"m3.by_cost",
                       "blocks drawn by cost against the better of one block and one per operator, worst size", worst,
                       1.02, "x", !quiet});
  r.pictures.push_back(std::move(picture));
  r.tables.push_back(std::move(table));
}

}  // namespace
}  // namespace fusion

int main(int argc, char** argv) {
  return bench::run_program({"fusion", "What fusing is worth", fusion::smoke, fusion::measure}, argc, argv);
}
