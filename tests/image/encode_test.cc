#include "tailrace/image/encode.h"

#include <catch2/catch.hpp>

namespace tr = tailrace;
using tr::Tensor;
using tr::image::encode_png;

namespace {

Tensor noise(tr::Shape shape) {
  const Tensor t = Tensor::zeros(tr::DType::uint8, shape);
  std::uint32_t x = 1;
  for (auto& byte : t.as<std::uint8_t>()) byte = static_cast<std::uint8_t>((x = x * 1664525 + 1013904223) >> 24);
  return t;
}

std::string error_of(const Tensor& picture) {
  const auto file = encode_png(picture);
  return file ? "no error" : tr::describe(file.error());
}

}  // namespace

TEST_CASE("encode_png: decode gives the same pixels again") {
  for (const auto& [height, width] : {std::pair{1, 1}, {7, 3}, {100, 333}}) {
    const Tensor picture = noise({height, width, 3});
    const auto file = encode_png(picture);
    if (!file) FAIL(file.error().what());
    CHECK(*tr::image::decode(*file) == picture);
  }
  // Views with strides: the middle of a picture, its height and width exchanged.
  const Tensor whole = noise({5, 4, 3});
  const Tensor view = Tensor::strided(static_cast<std::uint8_t*>(whole.data()) + 12, tr::DType::uint8, {4, 3, 3},
                                      {3, 12, 1}, {}, whole.owner());
  CHECK(*tr::image::decode(*encode_png(view)) == view);
}

TEST_CASE("encode_png: grey becomes grey, and opacity is kept apart from colours") {
  const auto grey = tr::image::decode(*encode_png(noise({2, 2, 1})));
  REQUIRE(grey);
  CHECK(grey->shape() == tr::Shape{2, 2, 3});
  CHECK(grey->as<std::uint8_t>()[3] == noise({2, 2, 1}).as<std::uint8_t>()[1]);
  const Tensor clear = noise({1, 2, 4});
  const auto colours = tr::image::decode(*encode_png(clear));
  CHECK(colours->as<std::uint8_t>()[3] == clear.as<std::uint8_t>()[4]);
}

TEST_CASE("encode_png: what is no picture is named") {
  CHECK(error_of(Tensor::zeros(tr::DType::float32, {2, 2, 3})) ==
        "encode_png: takes pictures of uint8, got float32 [2, 2, 3]");
  const std::string shapes =
      "encode_png: takes pictures of shape [height, width, 1, 3 or 4] with up to 67108864 pixels, got ";
  CHECK(error_of(Tensor::zeros(tr::DType::uint8, {2, 2})) == shapes + "[2, 2]");
  CHECK(error_of(Tensor::zeros(tr::DType::uint8, {2, 2, 2})) == shapes + "[2, 2, 2]");
  CHECK(error_of(Tensor::zeros(tr::DType::uint8, {0, 2, 3})) == shapes + "[0, 2, 3]");
  CHECK(error_of(Tensor::view(nullptr, tr::DType::uint8, {2, 2, 3})) == shapes + "[2, 2, 3] without data");
}
