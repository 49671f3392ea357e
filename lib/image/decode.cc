#include "tailrace/image/decode.h"

#include <new>

#include "image/formats.h"
#include "tailrace/image/encode.h"

namespace tailrace::image {

namespace {

constexpr std::string_view jpeg_begins = "\xff\xd8\xff", png_begins = "\x89PNG\r\n\x1a\n";

// The end of a long path says most, and the error's text has little room.
std::string short_name(const std::string& name) {
  constexpr std::size_t most = 80;
  return name.size() <= most ? name : "..." + name.substr(name.size() - (most - 3));
}

std::string first_bytes(std::string_view bytes) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes.substr(0, 4)) {
    const auto byte = static_cast<unsigned char>(c);
    text += {' ', digits[byte >> 4], digits[byte & 15]};
  }
  return text;
}

Result<Tensor> decode_bytes(std::string_view bytes) {
  if (bytes.starts_with(jpeg_begins)) return decode_jpeg(bytes);
  if (bytes.starts_with(png_begins)) return decode_png(bytes);
  if (bytes.empty()) return Error(Code::bad_file, "not a JPEG or PNG: empty");
  return Error(Code::bad_file, "not a JPEG or PNG: begins with" + first_bytes(bytes));
}

}  // namespace

Result<Tensor> room_for(std::int64_t height, std::int64_t width) {
  if (height < 1 || width < 1 || height > most_pixels / width)
    return Error(Code::bad_file, "has " + std::to_string(width) + " x " + std::to_string(height) +
                                     " pixels, expected 1 to " + std::to_string(most_pixels));
  try {
    return Tensor::zeros(DType::uint8, {height, width, 3});
  } catch (const std::bad_alloc&) {
    return Error(Code::out_of_memory, "no memory for its pixels");
  }
}

Result<Tensor> decode(const File& file) {
  Result<Tensor> picture = decode_bytes(file.bytes);
  if (picture || file.name.empty()) return picture;
  const Error& error = picture.error();
  return Error(error.code(), "decode", short_name(file.name) + ": " + std::string(error.what()));
}

}  // namespace tailrace::image

namespace tailrace {

void add_image_stages(Catalog& catalog) {
  catalog.add_type<Tensor>("Tensor");
  catalog.add_type<image::File>("File");
  catalog.add("decode", stage(image::decode, {.replicable = true}));
  catalog.add("encode_png", stage(image::encode_png, {.replicable = true}));
}

}  // namespace tailrace
