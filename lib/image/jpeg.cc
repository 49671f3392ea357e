#include <turbojpeg.h>

#include <memory>

#include "image/formats.h"

namespace tailrace::image {

namespace {

struct Destroy {
  void operator()(void* decoder) const { tjDestroy(decoder); }
};
using Decoder = std::unique_ptr<void, Destroy>;

Error damaged(const Decoder& decoder) {
  return {Code::bad_file, std::string("a damaged JPEG: ") + tjGetErrorStr2(decoder.get())};
}

// What the library repairs is fine, a picture whose lower part is missing is not.
bool repaired(const Decoder& decoder) {
  return tjGetErrorCode(decoder.get()) == TJERR_WARNING &&
         std::string_view(tjGetErrorStr2(decoder.get())).find("Premature end") == std::string_view::npos;
}

}  // namespace

Result<Tensor> decode_jpeg(std::string_view bytes) {
  const Decoder decoder(tjInitDecompress());
  if (!decoder) return Error(Code::out_of_memory, "no memory for a JPEG decoder");
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  int width = 0, height = 0, subsampling = 0, colours = 0;
  const int header = tjDecompressHeader3(decoder.get(), data, bytes.size(), &width, &height, &subsampling, &colours);
  if (header != 0 && !repaired(decoder)) return damaged(decoder);
  if (width == 0) return Error(Code::bad_file, "a damaged JPEG: ends early");
  if (colours == TJCS_CMYK || colours == TJCS_YCCK)
    return Error(Code::unsupported, "a JPEG in CMYK, expected RGB or grey");
  Result<Tensor> picture = room_for(height, width);
  if (!picture) return picture;
  // Scans are limited: a progressive file of a few bytes could ask for hours of work.
  if (tjDecompress2(decoder.get(), data, bytes.size(), static_cast<unsigned char*>(picture->data()), width, 0, height,
                    TJPF_RGB, TJFLAG_LIMITSCANS) != 0 &&
      !repaired(decoder))
    return damaged(decoder);
  return picture;
}

}  // namespace tailrace::image
