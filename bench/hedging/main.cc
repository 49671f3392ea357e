// Hedging where there are queues: what copies gain, what they cost, and that they never hurt.
#include <cmath>

#include "hedging/scenario.h"

namespace hedging {
namespace {

void smoke() {
  for (const Service& s : services()) {
    const auto one = simulate({&s, .3, 2}, {"never"}, 20000, 1);
    if (std::abs(one.worker_utilisation()) > 0 || one.requests != 20000)
      throw bench::WrongAnswer{"replicas elsewhere hold no worker"};
    const auto hedged = simulate({&s, .3, 2}, fixed(12), 20000, 1), again = simulate({&s, .3, 2}, fixed(12), 20000, 1);
    if (tr::sim::to_json(hedged) != tr::sim::to_json(again)) throw bench::WrongAnswer{"one seed gave two reports"};
    if (hedged.copies == 0 || hedged.copies_won > hedged.copies) throw bench::WrongAnswer{"copies are miscounted"};
  }
}

void measure(const bench::Options&, bench::Results& results) {
  closed_forms(results);
  under_load(results, 1000000);
  computing(results);
  live(results, 4000);
  computing_live(results, 3000);
}

}  // namespace
}  // namespace hedging

int main(int argc, char** argv) {
  return bench::run_program({"hedging", "Hedging", hedging::smoke, hedging::measure}, argc, argv);
}
