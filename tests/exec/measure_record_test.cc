// How times are kept: whether slowness belongs to inputs is read off calls of the same inputs in successive rounds.
// checks: measure-of-input
#include "exec/measure_record.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "tailrace/core/random.h"

using tailrace::Random;
using tailrace::detail::Record;

namespace {

// 25 rounds over 40 inputs. Of a share `of_input` of them the time is drawn once, of the others each time.
double found(double of_input, std::uint64_t seed, std::size_t inputs = 40) {
  Random random(seed);
  std::vector<double> own(inputs);
  for (double& t : own) t = random.chance(of_input) ? std::exp(random.normal()) : 0;
  Record record("s", {});
  for (int round = 0; round < 25; ++round) {
    for (const double t : own) record.add(t > 0 ? t : std::exp(random.normal()), 0);
    record.end_round();
  }
  return record.cost().of_input;
}
double mean_found(double of_input) {
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) sum += found(of_input, seed) / 200;
  return sum;
}

}  // namespace

TEST_CASE("slowness that belongs to the input is told from slowness that comes and goes") {
  CHECK(found(1, 1) == 1);
  CHECK(mean_found(0) == Approx(0).margin(.05));
  CHECK(mean_found(.5) == Approx(.5).margin(.1));
}

TEST_CASE("of too few inputs, or calls that all take the same, nothing is known of where slowness belongs") {
  CHECK(found(0, 1, 9) == -1);
  CHECK(found(0, 1, 10) >= 0);
  Record same("s", {});
  for (int call = 0; call < 2500; ++call) {
    same.add(1e-3, 0);
    if (call % 100 == 99) same.end_round();
  }
  CHECK(same.cost().of_input == -1);
  // Rounds of different lengths: a place does not say whose call it is.
  Record odd("s", {});
  Random random(1);
  for (int round = 0; round < 50; ++round) {
    for (int call = 0; call < 20 + round % 2; ++call) odd.add(random.uniform(), 0);
    odd.end_round();
  }
  CHECK(odd.cost().of_input == -1);
}
