#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "tailrace/core/tensor.h"

// What stages for pictures have in common: see resize.h.
namespace tailrace::stages {

// No picture of more pixels is made: a flow could ask for any.
inline constexpr std::int64_t most_pixels = std::int64_t{1} << 26;

inline std::int64_t height_of(const Tensor& picture) { return picture.shape()[0]; }
inline std::int64_t width_of(const Tensor& picture) { return picture.shape()[1]; }
inline std::int64_t channels_of(const Tensor& picture) { return picture.shape()[2]; }

// "640 x 480", the width first.
inline std::string size_in_words(std::int64_t height, std::int64_t width) {
  return std::to_string(width) + " x " + std::to_string(height);
}

// Fine where it is a picture with pixels.
inline Status check_picture(const Tensor& picture, std::string_view stage) {
  if (picture.device().kind != Device::Kind::cpu)
    return Error(Code::unsupported, stage, "takes pictures on the CPU, got one on " + name(picture.device()));
  if (picture.dtype() != DType::uint8)
    return Error(Code::type_mismatch, stage,
                 "takes pictures of uint8, got " + std::string(name(picture.dtype())) + " " + name(picture.shape()));
  if (picture.shape().rank() != 3 || picture.shape().elements() < 1)
    return Error(Code::shape_mismatch, stage,
                 "takes pictures of shape [height, width, channels], got " + name(picture.shape()));
  if (picture.empty()) return Error(Code::bad_value, stage, "got a picture without data");
  return {};
}

}  // namespace tailrace::stages
