#pragma once
#include <cstdint>
#include <vector>

#include "support/measure.h"

// Batches of an early-exit network in front of an exit: scores of ten classes and 256 features a row, of which about
// half leave.
namespace exit_kernels {

inline constexpr std::size_t classes = 10, width = 256, batches = 16;
inline constexpr double least = 0.9;

struct Batch {
  std::vector<float> scores, features;
};
std::vector<Batch> batches_of(std::size_t rows);

// What is left of a batch, in one number: how many rows, and what they hold.
std::uint32_t sum_of(std::size_t rows, const float* features);

// Each run of an arm takes the batch that the answer before it chooses.
bench::Arm ours(std::size_t rows);
bench::Arm aten(std::size_t rows);

}  // namespace exit_kernels
