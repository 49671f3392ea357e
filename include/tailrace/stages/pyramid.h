#pragma once
#include <cstdint>
#include <vector>

#include "tailrace/plan/make_stage.h"

namespace tailrace::stages {

// A picture (see resize.h) that is to be looked at in another size: `scale` times as large. Its pixels are made where
// they are needed, by LevelPixels. Copies share the picture's memory.
struct Level {
  Tensor picture;
  double scale = 1;
  std::int64_t height() const noexcept { return size(0); }
  std::int64_t width() const noexcept { return size(1); }

 private:
  // The side's length, rounded down, and one more.
  std::int64_t size(std::size_t side) const noexcept {
    return static_cast<std::int64_t>(static_cast<double>(picture.shape()[side]) * scale + 1);
  }
};

// A picture in ever smaller sizes, for a network that looks through a window of `window` pixels and is to find things
// of `smallest` pixels and more: the first level is window / smallest times as large as the picture, each further one
// `factor` times as large as the one before it, as long as the shorter side holds a window. A small picture has none.
struct Pyramid {
  double smallest = 20, factor = 0.709;
  std::int64_t window = 12;
  Result<std::vector<Level>> operator()(const Tensor& picture) const;
};

// A level's pixels as planes of float32, [channels, height, width], each (value - mean) / deviation. A pixel is the
// mean of all that it covers, as interpolate(mode="area") of PyTorch makes it.
struct LevelPixels {
  double mean = 0, deviation = 1;
  Result<Tensor> operator()(const Level& level) const;
};

// The same under their names in a Catalog: {"pyramid": {"smallest": 20, "factor": 0.709, "window": 12}},
// {"level_pixels": {"mean": 127.5, "deviation": 128}}.
Wrapped<Pyramid> pyramid(Pyramid how);
Wrapped<LevelPixels> level_pixels(LevelPixels how);

}  // namespace tailrace::stages
