#include "tailrace/core/random.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

using namespace tailrace;

namespace {

// Mean and variance of many draws.
template <class Draw>
std::pair<double, double> moments(Draw draw, int n = 200000) {
  double sum = 0, squares = 0;
  for (int i = 0; i < n; ++i) {
    const double x = draw();
    sum += x;
    squares += x * x;
  }
  return {sum / n, squares / n - sum / n * (sum / n)};
}

}  // namespace

TEST_CASE("random: the same numbers everywhere") {
  Random r(42);
  CHECK(r.next() == 0xbdd732262feb6e95);
  CHECK(r.uniform() == 0x1.477f199d9337cp-3);
  CHECK(r.exponential() == 0x1.472950897cfc1p+0);
  CHECK(r.normal() == -0x1.9ff099ae16646p-4);
  CHECK(r.gamma(2.5) == 0x1.7017b72a6c5acp+1);
  CHECK(r.gamma(.5) == 0x1.4e3b6540c8e0ap-5);
  CHECK(seed_of({1, 2, 3}) == 0xbd239e4d0ec6c327);
  CHECK(number_of("label[0].softmax") == 0x229bec50a2e50ab9);
}

TEST_CASE("random: moments") {
  Random r(1);
  // Bounds are five standard errors of 200,000 draws.
  const auto near = [](double value, double exact, double error) { return std::abs(value - exact) < 5 * error; };
  const double root = std::sqrt(200000.);
  const auto uniform = moments([&] { return r.uniform(); });
  CHECK(near(uniform.first, .5, std::sqrt(1. / 12) / root));
  const auto exponential = moments([&] { return r.exponential(); });
  CHECK(near(exponential.first, 1, 1 / root));
  CHECK(near(exponential.second, 1, std::sqrt(8.) / root));
  const auto normal = moments([&] { return r.normal(); });
  CHECK(near(normal.first, 0, 1 / root));
  CHECK(near(normal.second, 1, std::sqrt(2.) / root));
  for (const double shape : {.3, 1., 3., 40.}) {
    const auto gamma = moments([&] { return r.gamma(shape); });
    INFO(shape);
    CHECK(near(gamma.first, shape, std::sqrt(shape) / root));
    CHECK(near(gamma.second, shape, std::sqrt(2 * shape * shape + 6 * shape) / root));
  }
  int heads = 0;
  for (int i = 0; i < 200000; ++i) heads += r.chance(.1);
  CHECK(near(heads / 200000., .1, .3 / root));
}

TEST_CASE("random: uniform draws never reach 0 or 1, whatever the bits") {
  std::set<double> seen;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const double u = Random(seed).uniform();
    CHECK((u > 0 && u < 1));
    seen.insert(u);
  }
  CHECK(seen.size() == 1000);
}

TEST_CASE("random: seeds of different numbers differ") {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t a = 0; a < 100; ++a)
    for (std::uint64_t b = 0; b < 100; ++b) seeds.insert(seed_of({a, b}));
  seeds.insert(seed_of({}));
  seeds.insert(seed_of({0}));
  seeds.insert(seed_of({0, 0, 0}));
  CHECK(seeds.size() == 10003);
  CHECK(number_of("ab") != number_of("ba"));
  CHECK(number_of("") != number_of(std::string_view("\0", 1)));
}

TEST_CASE("random: logarithms and powers are those of the library within a few last places") {
  Random r(3);
  double log_off = 0, exp_off = 0;
  for (int i = 0; i < 100000; ++i) {
    const double x = std::exp(1000 * (r.uniform() - .5));
    log_off = std::max(log_off, std::abs(detail::same_log(x) / std::log(x) - 1));
    const double near_one = 1 + (r.uniform() - .5) * 1e-6;
    log_off = std::max(log_off, std::abs(detail::same_log(near_one) / std::log(near_one) - 1));
    const double y = 1400 * (r.uniform() - .5);
    exp_off = std::max(exp_off, std::abs(detail::same_exp(y) / std::exp(y) - 1));
  }
  CHECK(log_off < 1e-15);
  CHECK(exp_off < 2e-15);
  CHECK(detail::same_log(1) == 0);
  CHECK(detail::same_exp(0) == 1);
}
