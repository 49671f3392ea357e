#pragma once
#include <string>
#include <vector>

#include "tailrace/load/driver.h"

namespace tailrace::load {

// One of two systems that are compared.
struct System {
  std::string name;
  Submit submit;
};

struct CompareOptions {
  std::uint64_t seed = 1;
  unsigned rounds = 12;                                 // that count; one pair more, before them, warms up
  DriveOptions each{.until = std::chrono::seconds(1)};  // one system's part of a round; its seed is the round's
};

// What the second system's figure is, as a multiple of the first one's.
struct Ratio {
  std::string what;            // "p50", "p90", "p99", "mean", "goodput"
  Median median;               // of the rounds, with its 95 % interval
  std::vector<double> rounds;  // of each round
};

struct Comparison {
  std::string a, b;
  DriveReport of_a, of_b;  // of all rounds that count, as one
  std::vector<Ratio> ratios;
  bool differ(const Ratio& r) const noexcept { return r.median.low > 1 || r.median.high < 1; }
};

// Drives two systems in one run, in turns: A B, B A, A B, … so that what disturbs the machine disturbs both alike. Both
// meet the same arrivals in a round, and other ones in the next. Of each round the second one's figure is divided by
// the first one's; the median of these ratios is reported, with the interval that belongs to the sign test: it assumes
// nothing about how rounds are distributed, and that requests of a round depend on each other does not matter. Nothing
// in it is drawn. A quantile that less than 5 requests of a round are above is left out.
//
// Errors: those of drive, and fewer than 6 rounds, which have no such interval.
Built<Comparison> compare(const System& a, const System& b, const Arrivals& arrivals,
                          const CompareOptions& options = {});

std::string to_text(const Comparison& comparison);
// {"a": {"name": …, "report": {…}}, "b": …, "ratios": […]}. Ends in a newline.
std::string to_json(const Comparison& comparison);

}  // namespace tailrace::load
