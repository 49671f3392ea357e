#pragma once
#include <cstdint>
#include <string>

#include "tailrace/plan/catalog.h"

// Decoding of pictures. Needs the target tailrace::image; includes nothing of the libraries that decode.
namespace tailrace::image {

// A file's bytes, and what errors call it: a path, or the name under which somebody sent it.
struct File {
  std::string name;
  std::string bytes;
};

// Pictures with more pixels than this are refused: a few bytes can ask for a lot of memory.
inline constexpr std::int64_t most_pixels = std::int64_t{1} << 26;

// The picture of a JPEG or PNG file, told apart by their first bytes: a Tensor of uint8, [height, width, 3], rows from
// the top, red before green before blue. Grey and palette pictures become such, 16 bits lose the lower eight, and
// transparency is dropped. Colour profiles, gamma and notes on orientation change nothing. Several threads may call it.
// Errors name the file: bad_file where it is neither, is damaged or ends early; unsupported for CMYK; out_of_memory.
//
//   tr::Result<tr::Tensor> picture = tr::image::decode({"cat.jpg", bytes});
Result<Tensor> decode(const File& file);

}  // namespace tailrace::image

namespace tailrace {

// Adds what is here and in encode.h to a catalog: the type name "File", and the stages
//   decode: File -> Tensor          encode_png: Tensor -> File
void add_image_stages(Catalog& catalog);

}  // namespace tailrace
