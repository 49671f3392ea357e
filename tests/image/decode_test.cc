#include "tailrace/image/decode.h"

#include <png.h>
#include <turbojpeg.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <memory>

#include "tailrace/exec/start.h"
#include "tailrace/plan/json.h"

namespace tr = tailrace;
using tr::image::decode;

namespace {

using Bytes = std::vector<unsigned char>;

// The bytes of a PNG file with these samples, in one of libpng's simplified formats.
std::string png(unsigned format, unsigned width, unsigned height, const void* samples, const Bytes& palette = {}) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.format = format, image.width = width, image.height = height;
  image.colormap_entries = static_cast<unsigned>(palette.size() / 3);
  png_alloc_size_t size = 0;
  const void* colours = palette.empty() ? nullptr : palette.data();
  REQUIRE(png_image_write_to_memory(&image, nullptr, &size, 0, samples, 0, colours));
  std::string file(size, '\0');
  REQUIRE(png_image_write_to_memory(&image, file.data(), &size, 0, samples, 0, colours));
  file.resize(size);
  return file;
}
std::string png(unsigned format, unsigned width, unsigned height, const Bytes& samples, const Bytes& palette = {}) {
  return png(format, width, height, static_cast<const void*>(samples.data()), palette);
}

// The same with rows in seven passes, which the simplified functions cannot write.
std::string interlaced_png(unsigned width, unsigned height, Bytes rgb) {
  std::string file;
  png_structp to = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(to);
  png_set_write_fn(
      to, &file,
      [](png_structp png, png_bytep data, std::size_t n) {
        static_cast<std::string*>(png_get_io_ptr(png))->append(reinterpret_cast<char*>(data), n);
      },
      nullptr);
  png_set_IHDR(to, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_ADAM7, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_bytep> rows;
  for (unsigned y = 0; y < height; ++y) rows.push_back(rgb.data() + 3 * width * y);
  png_set_rows(to, info, rows.data());
  png_write_png(to, info, PNG_TRANSFORM_IDENTITY, nullptr);
  png_destroy_write_struct(&to, &info);
  return file;
}

std::string jpeg(TJPF format, int width, int height, const Bytes& samples, int subsampling = TJSAMP_444) {
  const std::unique_ptr<void, int (*)(void*)> to(tjInitCompress(), tjDestroy);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  REQUIRE(tjCompress2(to.get(), samples.data(), width, 0, height, format, &data, &size, subsampling, 100, 0) == 0);
  std::string file(reinterpret_cast<char*>(data), size);
  tjFree(data);
  return file;
}

Bytes pixels(const tr::Result<tr::Tensor>& picture) {
  if (!picture) FAIL(picture.error().what());
  const auto bytes = picture->as<std::uint8_t>();
  return {bytes.begin(), bytes.end()};
}

std::string error_of(const std::string& bytes, const std::string& name = "a.b") {
  const auto picture = decode({name, bytes});
  return picture ? "no error"
                 : std::string(tr::name(picture.error().code())) + ": " + std::string(picture.error().what());
}

// Samples of no pattern that a mistake could keep.
Bytes noise(std::size_t n) {
  Bytes bytes(n);
  unsigned x = 1;
  for (auto& b : bytes) b = static_cast<unsigned char>((x = x * 1664525 + 1013904223) >> 24);
  return bytes;
}

}  // namespace

TEST_CASE("decode: PNG of every kind becomes rows of red, green and blue") {
  const Bytes rgb = {1, 2, 3, 4, 5, 6, 250, 251, 252, 0, 0, 0, 255, 255, 255, 9, 8, 7};
  const auto picture = decode({"", png(PNG_FORMAT_RGB, 3, 2, rgb)});
  CHECK(pixels(picture) == rgb);
  CHECK(picture->shape() == tr::Shape{2, 3, 3});
  CHECK(picture->dtype() == tr::DType::uint8);

  CHECK(pixels(decode({"", png(PNG_FORMAT_GRAY, 2, 1, {7, 200})})) == Bytes{7, 7, 7, 200, 200, 200});
  // Transparency goes, what is under it stays.
  CHECK(pixels(decode({"", png(PNG_FORMAT_RGBA, 2, 1, {1, 2, 3, 255, 4, 5, 6, 0})})) == Bytes{1, 2, 3, 4, 5, 6});
  CHECK(pixels(decode({"", png(PNG_FORMAT_GA, 1, 1, {90, 128})})) == Bytes{90, 90, 90});
  CHECK(pixels(decode({"", png(PNG_FORMAT_RGB_COLORMAP, 3, 1, {1, 0, 1}, {10, 20, 30, 40, 50, 60})})) ==
        Bytes{40, 50, 60, 10, 20, 30, 40, 50, 60});
  const Bytes many = noise(3 * 37 * 29);
  CHECK(pixels(decode({"", interlaced_png(37, 29, many)})) == many);
}

TEST_CASE("decode: PNG of 16 bits keeps the upper eight") {
  // Written by hand, since libpng's simplified functions change such samples: a grey pixel of 0x12ff.
  const unsigned char file[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0,  0, 13, 'I', 'H', 'D',
                                'R',  0,   0,   0,   1,    0,    0,    0,    1, 16, 0, 0,  0,   0};
  std::string bytes(reinterpret_cast<const char*>(file), sizeof file);
  const auto big_endian = [](std::uint32_t x) {
    return std::string{static_cast<char>(x >> 24), static_cast<char>(x >> 16), static_cast<char>(x >> 8),
                       static_cast<char>(x)};
  };
  const auto crc = [&](const std::string& chunk) {
    std::uint32_t c = 0xffffffff;
    for (const char byte : chunk) {
      c ^= static_cast<unsigned char>(byte);
      for (int k = 0; k < 8; ++k) c = (c & 1) ? 0xedb88320 ^ (c >> 1) : c >> 1;
    }
    return big_endian(~c);
  };
  bytes += crc(bytes.substr(12));
  // One stored block of zlib: filter 0, 0x12, 0xff.
  const std::string data = {'\x78', '\x01', '\x01', 3,      0,      '\xfc', '\xff',
                            0,      '\x12', '\xff', '\x01', '\x26', '\x01', '\x12'};
  bytes += big_endian(static_cast<std::uint32_t>(data.size())) + "IDAT" + data + crc("IDAT" + data);
  CHECK(pixels(decode({"", bytes})) == Bytes{0x12, 0x12, 0x12});
}

TEST_CASE("decode: JPEG") {
  // One flat block is exact; others are as near as the format keeps them.
  CHECK(pixels(decode({"", jpeg(TJPF_GRAY, 8, 8, Bytes(64, 128), TJSAMP_GRAY)})) == Bytes(192, 128));
  Bytes slope;
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 24; ++x)
      for (const int c : {8 * x, 12 * y, 100}) slope.push_back(static_cast<unsigned char>(c));
  const auto picture = decode({"", jpeg(TJPF_RGB, 24, 16, slope)});
  CHECK(picture->shape() == tr::Shape{16, 24, 3});
  const Bytes got = pixels(picture);
  int worst = 0;
  for (std::size_t i = 0; i < slope.size(); ++i) worst = std::max(worst, std::abs(got[i] - slope[i]));
  CHECK(worst <= 3);
}

TEST_CASE("decode: errors name the file, and say what is wrong") {
  CHECK(error_of("", "empty.jpg") == "bad_file: empty.jpg: not a JPEG or PNG: empty");
  CHECK(error_of("%PDF-1.7", "cat.jpg") == "bad_file: cat.jpg: not a JPEG or PNG: begins with 25 50 44 46");
  CHECK(error_of("\xff", "") == "bad_file: not a JPEG or PNG: begins with ff");
  CHECK(error_of("x", std::string(300, 'a') + ".png") ==
        "bad_file: ..." + std::string(73, 'a') + ".png: not a JPEG or PNG: begins with 78");

  const std::string good = png(PNG_FORMAT_RGB, 40, 40, noise(4800));
  CHECK(error_of(good) == "no error");
  CHECK(error_of(good.substr(0, 20)) == "bad_file: a.b: a damaged PNG: ends early");
  CHECK(error_of(good.substr(0, 2000)) == "bad_file: a.b: a damaged PNG: ends early");
  std::string changed = good;
  changed[1000] ^= 1;
  CHECK(error_of(changed).starts_with("bad_file: a.b: a damaged PNG: "));
  changed = good;
  changed[17] = '\x7f';  // the width
  CHECK(error_of(changed).starts_with("bad_file: a.b: a damaged PNG: "));

  const std::string jpg = jpeg(TJPF_RGB, 64, 64, noise(64 * 64 * 3));
  CHECK(error_of(jpg) == "no error");
  CHECK(error_of(jpg.substr(0, 10)) == "bad_file: a.b: a damaged JPEG: ends early");
  CHECK(error_of(jpg.substr(0, jpg.size() / 2)) == "bad_file: a.b: a damaged JPEG: Premature end of JPEG file");
  CHECK(error_of(jpeg(TJPF_CMYK, 8, 8, Bytes(256, 9))) == "unsupported: a.b: a JPEG in CMYK, expected RGB or grey");
}

TEST_CASE("decode: every beginning of a file, and every changed byte, ends in a picture or an error") {
  for (const std::string& good :
       {png(PNG_FORMAT_RGBA, 9, 7, noise(252)), jpeg(TJPF_RGB, 9, 7, noise(189), TJSAMP_420)}) {
    for (std::size_t n = 0; n < good.size() / 2; ++n) CHECK(error_of(good.substr(0, n)).starts_with("bad_file: a.b: "));
    for (std::size_t i = 0; i < good.size(); ++i)
      for (const int flip : {0x01, 0x80, 0xff}) {
        std::string changed = good;
        changed[i] = static_cast<char>(changed[i] ^ flip);
        CHECK_FALSE(error_of(changed).empty());
      }
  }
}

TEST_CASE("decode: more pixels than anybody has are refused before there is memory for them") {
  std::string file = jpeg(TJPF_RGB, 8, 8, Bytes(192, 5));
  const auto frame = file.find("\xff\xc0");
  REQUIRE(frame != file.npos);
  std::memcpy(file.data() + frame + 5, "\xfd\xe8\xfd\xe8", 4);  // height and width
  CHECK(error_of(file) == "bad_file: a.b: has 65000 x 65000 pixels, expected 1 to 67108864");
}

TEST_CASE("add_image_stages: decode in JSON; a bad file is that request's failure") {
  tr::Catalog catalog;
  tr::add_image_stages(catalog);
  CHECK(catalog.problems().empty());
  CHECK(catalog.describe() == "decode: File -> Tensor\nencode_png: Tensor -> File\n");
  const auto flow = tr::read_flow<tr::image::File, tr::Tensor>(
      R"({"flow": "f", "input": "File", "stages": [{"name": "picture", "run": "decode"}]})", catalog);
  if (!flow) FAIL(flow.error().what());
  auto engine = tr::start(*flow, {.threads = 1}).value();
  CHECK(engine.run({"a.png", png(PNG_FORMAT_RGB, 1, 1, {1, 2, 3})}).value().shape() == tr::Shape{1, 1, 3});
  const auto bad = engine.run({"a.gif", "GIF89a"});
  REQUIRE_FALSE(bad);
  CHECK(tr::describe(bad.error()) == "picture: a.gif: not a JPEG or PNG: begins with 47 49 46 38");
}
