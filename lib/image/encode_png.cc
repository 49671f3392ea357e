#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <exception>

#include "tailrace/image/encode.h"

namespace tailrace::image {

namespace {

// libpng reports errors by longjmp to where setjmp was called. Both stand in this class: write() holds nothing that
// must be destroyed, and all that it changes are members. What it writes is appended to a string; where there is no
// memory for that, the exception ends in on_write.
class Writer {
 public:
  explicit Writer(std::string& to) noexcept : to_(to) {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (png_) info_ = png_create_info_struct(png_);
  }
  ~Writer() { png_destroy_write_struct(&png_, &info_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  bool made() const noexcept { return info_ != nullptr; }
  bool full() const noexcept { return full_; }
  const char* problem() const noexcept { return problem_; }

  // REQUIRES: pixels is contiguous, with 1, 3 or 4 channels. False: see full() and problem().
  bool write(const Tensor& pixels) noexcept {
    height_ = pixels.shape()[0];
    width_ = pixels.shape()[1];
    channels_ = pixels.shape()[2];
    kind_ = channels_ == 1 ? PNG_COLOR_TYPE_GRAY : channels_ == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGBA;
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_write_fn(png_, this, on_write, on_flush);
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(width_), static_cast<png_uint_32>(height_), 8, kind_,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    for (row_ = 0; row_ < height_; ++row_)
      png_write_row(png_, static_cast<png_const_bytep>(pixels.data()) + row_ * width_ * channels_);
    png_write_end(png_, info_);
    return true;
  }

 private:
  [[noreturn]] static void on_error(png_structp png, png_const_charp what) {
    auto& self = *static_cast<Writer*>(png_get_error_ptr(png));
    std::snprintf(self.problem_, sizeof self.problem_, "%s", what);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}
  static void on_flush(png_structp) {}
  static void on_write(png_structp png, png_bytep bytes, std::size_t n) {
    auto& self = *static_cast<Writer*>(png_get_error_ptr(png));
    try {
      self.to_.append(reinterpret_cast<const char*>(bytes), n);
    } catch (const std::exception&) {
      self.full_ = true;
    }
    if (self.full_) png_error(png, "no memory");
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::string& to_;
  std::int64_t height_ = 0, width_ = 0, channels_ = 0, row_ = 0;
  int kind_ = 0;
  bool full_ = false;
  char problem_[100] = "";
};

Status check(const Tensor& picture) {
  if (picture.device().kind != Device::Kind::cpu)
    return Error(Code::unsupported, "encode_png", "takes pictures on the CPU, got one on " + name(picture.device()));
  if (picture.dtype() != DType::uint8)
    return Error(Code::type_mismatch, "encode_png",
                 "takes pictures of uint8, got " + std::string(name(picture.dtype())) + " " + name(picture.shape()));
  const Shape& shape = picture.shape();
  const bool fits = shape.rank() == 3 && shape[0] >= 1 && shape[1] >= 1 && shape[0] <= most_pixels / shape[1] &&
                    (shape[2] == 1 || shape[2] == 3 || shape[2] == 4);
  if (!fits || picture.empty())
    return Error(Code::shape_mismatch, "encode_png",
                 "takes pictures of shape [height, width, 1, 3 or 4] with up to " + std::to_string(most_pixels) +
                     " pixels, got " + name(shape) + (fits ? " without data" : ""));
  return {};
}

}  // namespace

Result<File> encode_png(const Tensor& picture) {
  if (Status fit = check(picture); !fit) return fit.error();
  const Tensor pixels = picture.contiguous() ? picture : picture.contiguous_copy();
  File file;
  Writer writer(file.bytes);
  if (!writer.made()) return Error(Code::out_of_memory, "encode_png", "no memory for a PNG encoder");
  if (!writer.write(pixels))
    return Error(writer.full() ? Code::out_of_memory : Code::internal_error, "encode_png", writer.problem());
  return file;
}

}  // namespace tailrace::image
