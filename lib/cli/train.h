#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tailrace/core/result.h"

// Networks for the digits, trained with LibTorch and saved as TorchScript files whose `forward` takes
// [n, 64] pixels and gives [n, 10] class scores. Training runs on one thread: the same data, seed, processor kind and
// LibTorch give the same file.
namespace tailrace::cli {

struct TrainingSet {
  std::vector<float> pixels;         // n rows of 64, each 0..1: images of 8 by 8, row by row
  std::vector<std::int64_t> labels;  // n digits, 0..9
};

// A perceptron with one hidden layer of 32: a fraction of a second.
Status train_tiny(const TrainingSet& data, std::uint64_t seed, const std::string& path);

// A convolutional network of three layers, on images shifted by up to one pixel: several seconds.
Status train_large(const TrainingSet& data, std::uint64_t seed, const std::string& path);

// A convolutional network with two early exits, trained for all three classifiers at once: six layers of `channels`
// each. Writes its segments to first.pt, second.pt and third.pt in the folder: the first takes pixels, each gives
// scores and what the next one takes. whole.pt has the same layers and weights, and the last classifier only. With 192
// channels and 4 epochs it takes a minute or two.
Status train_exits(const TrainingSet& data, std::uint64_t seed, int channels, int epochs, const std::string& folder);

}  // namespace tailrace::cli
