#include "tailrace/model/batch_times.h"

#include <catch2/catch.hpp>
#include <limits>

using namespace tailrace;

namespace {
BatchTime took(std::uint32_t rows, double seconds) {
  return {.rows = rows, .calls = 10, .min = seconds, .p50 = seconds, .p99 = 2 * seconds};
}
}  // namespace

TEST_CASE("times of batches: measured ones as they are, others on the line between their neighbours") {
  const BatchTimes times{{took(1, 10e-6), took(4, 40e-6), took(8, 30e-6)}};
  CHECK(times.known());
  CHECK(times.largest() == 8);
  CHECK(times.seconds(4) == Approx(40e-6));
  CHECK(times.seconds(2) == Approx(20e-6));
  CHECK(times.seconds(6) == Approx(35e-6));
  CHECK(times.p99(6) == Approx(70e-6));
  CHECK(times.seconds(16) == Approx(60e-6));  // no faster a row than the largest that was measured
  CHECK(BatchTimes{{took(4, 40e-6)}}.seconds(1) == Approx(40e-6));
  CHECK_FALSE(BatchTimes{}.known());
}

TEST_CASE("times of batches: the line through them says how far it is off") {
  const BatchFit straight = BatchTimes{{took(1, 3e-6), took(2, 5e-6), took(8, 17e-6)}}.fit();
  CHECK(straight.base == Approx(1e-6));
  CHECK(straight.per_row == Approx(2e-6));
  CHECK(straight.worst == Approx(0).margin(1e-9));
  CHECK(BatchTimes{{took(1, 10e-6), took(4, 40e-6), took(8, 30e-6)}}.fit().worst > 0.2);
  const BatchFit one = BatchTimes{{took(4, 8e-6)}}.fit();
  CHECK(one.per_row == 0);
  CHECK(one.base == Approx(8e-6));
}

TEST_CASE("times of batches: what is wrong with a table is said by its row") {
  CHECK(BatchTimes{{took(1, 1e-6), took(2, 1e-6)}}.check().empty());
  for (const auto& [wrong, where] : {std::pair{BatchTimes{{took(0, 1e-6)}}, "rows 0"},
                                     {BatchTimes{{took(2, 1e-6), took(2, 1e-6)}}, "rows 2"},
                                     {BatchTimes{{took(8, 1e-6), took(4, 1e-6)}}, "rows 4"},
                                     {BatchTimes{{took(1, 0)}}, "rows 1"},
                                     {BatchTimes{{took(1, std::numeric_limits<double>::quiet_NaN())}}, "rows 1"},
                                     {BatchTimes{{{.rows = 3, .min = 2e-6, .p50 = 1e-6, .p99 = 3e-6}}}, "rows 3"}}) {
    const Problems problems = wrong.check();
    REQUIRE(problems.size() == 1);
    CHECK(problems.where() == where);
  }
}
