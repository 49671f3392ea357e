// Requests that share calls on real threads: how many are answered within their goal, by who sizes the batches.
#include "batching_live/live.h"

namespace batching {
namespace {

constexpr double one = 300e-6;  // seconds of a call for one row
constexpr double one_of_cliffs = 1e-3;

void smoke() {
  compare_answers();
  const auto subjects = stretched(one);
  const Cell cell{&subjects.front().model, 30, Shape::poisson, .3};
  for (const char* policy : {"table", "greedy"}) {
    const Ran ran = run(subjects.front().plan({policy}, most), true, cell.arrives(), cell.rate(), 1, .05, 1);
    if (ran.goodput < 1) throw bench::WrongAnswer{"a request that has a second is not answered"};
  }
  const Subject net = network(.5);
  if (run(net.plan({"table"}, most), true, tr::load::Poisson{1000}, 1000, 1, .1, 1).goodput < 1)
    throw bench::WrongAnswer{"a request of a real network that has a second is not answered"};
}

void measure(const bench::Options& options, bench::Results& results) {
  const auto subjects = stretched(one);
  live_goals(subjects, "e4.live.", "calls that take a table's times", options, results);
  live_light_load({subjects[0], subjects[2]}, options, results);
  live_goals({network(4)}, "e4.live.network.", "a network by LibTorch", options, results);
  live_cliffs(stretched(one_of_cliffs), options, results);
}

}  // namespace
}  // namespace batching

int main(int argc, char** argv) {
  return bench::run_program({"batching_live", "Batching, live (e4, e5)", batching::smoke, batching::measure}, argc,
                            argv);
}
