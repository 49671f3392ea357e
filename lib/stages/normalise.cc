#include "tailrace/stages/normalise.h"

#include <algorithm>
#include <charconv>

#include "stages/pictures.h"

namespace tailrace::stages {

namespace {

// What each of the 256 values becomes.
std::array<float, 256> table_of(double mean, double deviation) {
  std::array<float, 256> table;
  for (std::size_t v = 0; v < table.size(); ++v)
    table[v] = static_cast<float>((static_cast<double>(v) - mean) / deviation);
  return table;
}

// With as few digits as tell it from all others.
std::string number(double x) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, x).ptr};
}

bool all_equal(const std::array<double, 3>& values) { return values[0] == values[1] && values[1] == values[2]; }

// "name": x where all are equal, else "names": "x, y, z".
void describe(Parameters& given, const char* one, const char* three, const std::array<double, 3>& values,
              double usual) {
  if (all_equal(values)) {
    if (values[0] != usual) given.add({one, values[0]});
    return;
  }
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : ", ") + number(value);
  given.add({three, text});
}

}  // namespace

Result<Tensor> Normalise::operator()(const Tensor& picture) const {
  if (Status fit = check_picture(picture, "normalise"); !fit) return fit.error();
  if (channels_of(picture) != 3)
    return Error(Code::shape_mismatch, "normalise",
                 "takes pictures of 3 channels, got " + std::to_string(channels_of(picture)));
  if (std::find(deviation.begin(), deviation.end(), 0) != deviation.end())
    return Error(Code::bad_value, "normalise", "a deviation is 0");
  const auto height = height_of(picture), width = width_of(picture);
  const auto& strides = picture.strides();
  const Tensor planes = Tensor::zeros(DType::float32, {3, height, width});
  auto* out = static_cast<float*>(planes.data());
  for (std::int64_t c = 0; c < 3; ++c) {
    const auto table = table_of(mean[static_cast<std::size_t>(c)], deviation[static_cast<std::size_t>(c)]);
    for (std::int64_t y = 0; y < height; ++y) {
      const auto* pixel = static_cast<const std::uint8_t*>(picture.data()) + c * strides[2] + y * strides[0];
      for (std::int64_t x = 0; x < width; ++x) *out++ = table[pixel[x * strides[1]]];
    }
  }
  return planes;
}

Wrapped<Normalise> normalise(const Normalise& how) {
  Parameters given;
  describe(given, "mean", "means", how.mean, 0);
  describe(given, "deviation", "deviations", how.deviation, 1);
  auto stage = named("normalise", std::move(given), how);
  stage.options.replicable = true;
  return stage;
}

}  // namespace tailrace::stages
