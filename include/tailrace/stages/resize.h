#pragma once
#include <cstdint>

#include "tailrace/plan/make_stage.h"

// Stages for pictures. A picture is a Tensor of uint8, [height, width, channels], on the CPU, as image/decode.h gives
// it; all but `resize` take views with strides as they are.
namespace tailrace::stages {

// How a pixel is made of those around it.
enum class Filter : std::uint8_t {
  bilinear,  // a triangle two pixels wide
  bicubic,   // Keys' cubic convolution with a = -0.5, four pixels wide
};

// A picture in another size, bit for bit as Image.resize of Pillow 13 makes it. Where a side shrinks, the filter is
// stretched by the same factor, so that nothing aliases. The width changes first, or the height where it shrinks, and
// by more than twice as many pixels as the width; weights are whole numbers of 2^-22, and values are rounded to 8 bits
// after each.
struct Resize {
  // The shorter side becomes so long, and the other as long as keeps the proportions, rounded down. 0: `height` and
  // `width` say both.
  std::int64_t shorter = 0;
  std::int64_t height = 0, width = 0;
  Filter filter = Filter::bicubic;
  Result<Tensor> operator()(const Tensor& picture) const;
};

// The same under its name in a Catalog: {"resize": {"shorter": 256, "filter": "bicubic"}},
// {"resize": {"height": 224, "width": 224}}.
Wrapped<Resize> resize(Resize how);

}  // namespace tailrace::stages
