#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/core/random.h"
#include "tailrace/plan/profile.h"

namespace tailrace::sim {

// How long something takes, at random. Plain data, made by the functions below; draws are the same with every compiler
// and processor (core/random.h). Times are nanoseconds at the finest.
//
//   const auto usual = sim::lognormal(20ms, .3);
//   const auto stalls = sim::mixture({{.95, usual}, {.05, sim::uniform(100ms, 300ms)}});
struct Distribution {
  enum class Kind : std::uint8_t { constant, exponential, uniform, gamma, lognormal, pareto, quantiles, mixture };
  // A time that is not exceeded with this probability.
  struct Quantile {
    double share = 0;
    Duration time{};
  };
  struct Part;

  Duration draw(Random& random) const noexcept;  // never below 0
  double mean() const noexcept;                  // in seconds; infinite for a Pareto tail whose exponent is 1 or less

  Kind kind = Kind::constant;
  double a = 0, b = 0;  // parameters in the order of the functions below; times in seconds
  std::vector<Quantile> table;
  std::vector<Part> parts;
  std::string problem;  // what is wrong with it, in a sentence; empty where nothing is. Draws of a wrong one are 0
};
// A draw comes from one of several, from each with this probability.
struct Distribution::Part {
  double share = 0;
  Distribution of{};
};

Distribution constant(Duration time);
Distribution exponential(Duration mean);
Distribution uniform(Duration least, Duration most);
Distribution gamma(double shape, Duration scale);             // mean shape x scale
Distribution lognormal(Duration median, double sigma);        // sigma: deviation of the logarithm
Distribution pareto(Duration least, double exponent);         // P(longer than t) = (least / t)^exponent
Distribution mixture(std::vector<Distribution::Part> parts);  // shares sum to 1
// A straight line between neighbours, and beyond the last one an exponential tail that goes on as steeply as between
// the last two. Shares rise and begin with 0; times do not fall; at least two.
Distribution quantiles(std::vector<Distribution::Quantile> table);
// What was measured (plan/profile.h): min, p50, p90 and p99 as such a table.
Distribution quantiles(const Times& times);

}  // namespace tailrace::sim
