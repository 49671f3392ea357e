#include "stages/area.h"

#include <algorithm>
#include <vector>

#include "stages/pictures.h"

namespace tailrace::stages {

namespace {

// The inputs that output `i` of `outputs` touches: [first, last).
struct Touched {
  std::int64_t first, last;
};
Touched touched(std::int64_t i, std::int64_t inputs, std::int64_t outputs) {
  return {i * inputs / outputs, ((i + 1) * inputs + outputs - 1) / outputs};
}

// Sums of the columns of one channel over some rows of a part.
void add_rows(const Tensor& picture, const Part& part, Touched rows, std::int64_t channel,
              std::vector<std::uint64_t>& sums) {
  const auto& strides = picture.strides();
  std::fill(sums.begin(), sums.end(), 0);
  for (auto y = part.top + rows.first; y < part.top + rows.last; ++y) {
    const auto* pixel = static_cast<const std::uint8_t*>(picture.data()) + y * strides[0] + part.left * strides[1] +
                        channel * strides[2];
    for (auto& sum : sums) sum += *pixel, pixel += strides[1];
  }
}

}  // namespace

// Sums are whole numbers, and exact: float32 would hold them exactly, too, up to 65,793 pixels a value.
void sample_area(const Tensor& picture, const Part& part, std::int64_t height, std::int64_t width, const Norm& norm,
                 float* out) {
  const auto rows_in = part.bottom - part.top, columns_in = part.right - part.left;
  std::vector<std::uint64_t> sums(static_cast<std::size_t>(columns_in));
  for (std::int64_t c = 0; c < channels_of(picture); ++c)
    for (std::int64_t y = 0; y < height; ++y) {
      const Touched rows = touched(y, rows_in, height);
      add_rows(picture, part, rows, c, sums);
      for (std::int64_t x = 0; x < width; ++x) {
        const Touched columns = touched(x, columns_in, width);
        std::uint64_t sum = 0;
        for (auto k = columns.first; k < columns.last; ++k) sum += sums[static_cast<std::size_t>(k)];
        const auto pixels = (rows.last - rows.first) * (columns.last - columns.first);
        const float mean = static_cast<float>(sum) / static_cast<float>(pixels);
        *out++ = (mean - norm.mean) / norm.deviation;
      }
    }
}

}  // namespace tailrace::stages
