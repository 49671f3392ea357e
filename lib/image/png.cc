#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "image/formats.h"

namespace tailrace::image {

namespace {

// libpng reports errors by longjmp to where setjmp was called. Both stand in this class: its steps hold nothing that
// must be destroyed, and all that they change are members.
class Reader {
 public:
  explicit Reader(std::string_view bytes) noexcept : rest_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, on_warning);
    if (png_) info_ = png_create_info_struct(png_);
  }
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool made() const noexcept { return info_ != nullptr; }
  const char* problem() const noexcept { return problem_; }
  std::int64_t height() const noexcept { return height_; }
  std::int64_t width() const noexcept { return width_; }

  // Reads up to the pixels, and asks for three bytes a pixel. False: see problem().
  bool begin() noexcept {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_read_fn(png_, this, on_read);
    png_read_info(png_, info_);
    width_ = png_get_image_width(png_, info_);
    height_ = png_get_image_height(png_, info_);
    png_set_expand(png_);
    png_set_strip_16(png_);
    png_set_gray_to_rgb(png_);
    png_set_strip_alpha(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != static_cast<std::size_t>(3 * width_)) png_error(png_, "not 3 bytes a pixel");
    return true;
  }

  // REQUIRES: begin() was true; room for height() rows of 3 * width() bytes.
  bool read(png_bytep pixels) noexcept {
    if (setjmp(png_jmpbuf(png_))) return false;
    for (pass_ = 0; pass_ < passes_; ++pass_)
      for (row_ = 0; row_ < height_; ++row_) png_read_row(png_, pixels + 3 * width_ * row_, nullptr);
    return true;
  }

 private:
  static Reader& self(png_structp png) { return *static_cast<Reader*>(png_get_error_ptr(png)); }
  [[noreturn]] static void on_error(png_structp png, png_const_charp what) {
    std::snprintf(self(png).problem_, sizeof problem_, "%s", what);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}
  static void on_read(png_structp png, png_bytep to, std::size_t n) {
    auto& rest = self(png).rest_;
    if (n > rest.size()) png_error(png, "ends early");
    std::memcpy(to, rest.data(), n);
    rest.remove_prefix(n);
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::string_view rest_;
  std::int64_t width_ = 0, height_ = 0, row_ = 0;
  int passes_ = 0, pass_ = 0;
  char problem_[100] = "";
};

}  // namespace

Result<Tensor> decode_png(std::string_view bytes) {
  Reader reader(bytes);
  if (!reader.made()) return Error(Code::out_of_memory, "no memory for a PNG decoder");
  const auto damaged = [&] { return Error(Code::bad_file, std::string("a damaged PNG: ") + reader.problem()); };
  if (!reader.begin()) return damaged();
  Result<Tensor> picture = room_for(reader.height(), reader.width());
  if (!picture) return picture;
  if (!reader.read(static_cast<png_bytep>(picture->data()))) return damaged();
  return picture;
}

}  // namespace tailrace::image
