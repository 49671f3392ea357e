#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "tailrace/core/tensor.h"

// One function for each format: the picture as decode() promises it. Errors say what is wrong, not with which file.
namespace tailrace::image {

Result<Tensor> decode_jpeg(std::string_view bytes);
Result<Tensor> decode_png(std::string_view bytes);

// Room for a picture, or why there is none.
Result<Tensor> room_for(std::int64_t height, std::int64_t width);

}  // namespace tailrace::image
