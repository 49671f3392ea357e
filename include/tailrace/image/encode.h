#pragma once
#include "tailrace/image/decode.h"

// Encoding of pictures. Needs the target tailrace::image; includes nothing of the library that encodes.
namespace tailrace::image {

// A picture as a PNG file without a name: a Tensor of uint8 on the CPU, [height, width, channels] of one channel
// (grey), three (red, green, blue) or four (and opacity); strides may be any. decode() gives the same pixels again, of
// pictures with three. Several threads may call it. Errors: type_mismatch, shape_mismatch and unsupported for other
// tensors; out_of_memory.
//
//   tr::Result<tr::image::File> file = tr::image::encode_png(picture);
Result<File> encode_png(const Tensor& picture);

}  // namespace tailrace::image
