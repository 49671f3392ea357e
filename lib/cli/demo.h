#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/digits.h"

namespace tailrace::cli {

// One way of answering the test images, one image after another.
struct ArmFigures {
  double accuracy = 0;     // share of right answers
  double share_large = 0;  // of images that the large network looked at
  double p50_us = 0, p99_us = 0;
  double per_second = 0;
};

// The exit threshold is the highest that sends at most this share of the validation images on to the large network.
inline constexpr double most_large = 0.15;

struct SeedFigures {
  std::uint64_t seed = 0;
  double threshold = 0;
  ArmFigures tiny, large, cascade;
  double many_per_second = 0;  // the cascade with many images under way, on `threads`
  double speed_up = 0;         // cascade against large alone, one image after another
  double bound = 0;            // what it must reach: 0.8 / (t_tiny / t_large + share_large)
  std::string flow;            // the file with the threshold in it
  std::string explanation;     // of the plan
};

struct DemoFigures {
  std::string data;
  std::size_t train = 0, validation = 0, test = 0;
  unsigned threads = 0;
  std::vector<SeedFigures> seeds;
};
// The mean of all figures over the seeds. REQUIRES: one seed at least.
SeedFigures mean(const std::vector<SeedFigures>& seeds);

// For people. `begin` before anything is trained, `end` with the figures.
std::string report_begin(const DemoFigures& figures);
std::string report_end(const DemoFigures& figures);
// For programs; ends in a newline.
std::string report_json(const DemoFigures& figures);

}  // namespace tailrace::cli
