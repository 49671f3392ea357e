#include "tailrace/policy/sketch.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "policy/queue.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

LatencySketch of(const std::vector<double>& values) {
  LatencySketch sketch;
  for (double v : values) sketch.add(seconds(v));
  return sketch;
}

}  // namespace

TEST_CASE("a sketch of nothing knows nothing") {
  const LatencySketch sketch;
  CHECK(sketch.count() == 0);
  CHECK(sketch.quantile(.5) == 0s);
  CHECK(sketch.shares()[0] == 0);
}

TEST_CASE("one value is every quantile, off by at most a part in 32") {
  for (const auto value : {0ns, 1ns, 15ns, 16ns, 17ns, 999ns, 12345ns, 7000000ns, 123456789012ns}) {
    LatencySketch sketch;
    sketch.add(value);
    for (double q : {0.01, 0.5, 1.0}) CHECK(std::abs(in_seconds(sketch.quantile(q) - value)) <= in_seconds(value) / 32);
  }
  LatencySketch sketch;
  sketch.add(-5ms);
  CHECK(sketch.quantile(1) == 0s);
  sketch.add(100h);  // as long as it can tell
  CHECK(sketch.quantile(1) > 10min);
}

TEST_CASE("quantiles of many values are near the exact ones") {
  Random random(3);
  const Service service = lognormal(0.01, 1);
  std::vector<double> values;
  for (int i = 0; i < 3000; ++i) values.push_back(service(random));
  const LatencySketch sketch = of(values);
  std::sort(values.begin(), values.end());
  for (double q : {0.05, 0.5, 0.9, 0.95, 0.99}) {
    const double exact = values[static_cast<std::size_t>(q * 3000)];
    CHECK(in_seconds(sketch.quantile(q)) == Approx(exact).epsilon(0.12));  // old values count less
  }
}

TEST_CASE("old values fade") {
  LatencySketch sketch;
  for (int i = 0; i < 20000; ++i) sketch.add(1ms);
  for (int i = 0; i < 3 * static_cast<int>(LatencySketch::half_life); ++i) sketch.add(50ms);
  CHECK(sketch.quantile(.2) > 45ms);  // an eighth of the old weight is left
  CHECK(sketch.quantile(.1) < 2ms);
  for (int i = 0; i < 200000; ++i) sketch.add(50ms);  // weights are scaled down on the way
  CHECK(sketch.quantile(.001) > 45ms);
  CHECK(sketch.count() == 20000 + 12000 + 200000);
}

TEST_CASE("values that were cut off do not hide the tail") {
  Random random(5);
  const Service service = lognormal(0.01, 1);
  std::vector<double> values;
  LatencySketch cut;
  for (int i = 0; i < 3000; ++i) {
    const double value = service(random), at = 0.012 + 0.2 * random.uniform();
    values.push_back(value);
    if (value <= at) cut.add(seconds(value));
    else cut.add_longer_than(seconds(at));
  }
  const LatencySketch whole = of(values);
  for (double q : {0.5, 0.8, 0.9, 0.95})
    CHECK(in_seconds(cut.quantile(q)) == Approx(in_seconds(whole.quantile(q))).epsilon(0.12));
}
