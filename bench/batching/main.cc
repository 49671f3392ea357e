// How many requests that wait are answered together, and how many of them in time.
#include "batching/scenario.h"

namespace batching {
namespace {

void smoke() {
  const Cell cell{&models().front(), 10, Shape::poisson, .5};
  if (goodput(cell, {{"table"}}, 2000, 1) < .9) throw bench::WrongAnswer{"hardly anybody is answered at half the load"};
  if (goodput(cell, best_fixed(cell, 500), 2000, 1) < .5) throw bench::WrongAnswer{"the best setting answers nobody"};
  bench::Results results;
  cliffs(results);
  if (results.figures.front().value > 1.01) throw bench::WrongAnswer{"rows are not served in the least time"};
}

void measure(const bench::Options&, bench::Results& results) {
  goals(results, 30000);
  light_load(results, 200000);
  cliffs(results);
}

}  // namespace
}  // namespace batching

int main(int argc, char** argv) {
  return bench::run_program({"batching", "Batching", batching::smoke, batching::measure}, argc, argv);
}
