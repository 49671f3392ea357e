#include "tailrace/stages/crop.h"

#include "stages/pictures.h"

namespace tailrace::stages {

Result<Tensor> Crop::operator()(const Tensor& picture) const {
  if (Status fit = check_picture(picture, "crop"); !fit) return fit.error();
  if (height < 1 || width < 1) return Error(Code::bad_value, "crop", "needs 'height' and 'width' above 0");
  const auto spare_rows = height_of(picture) - height, spare_columns = width_of(picture) - width;
  if (spare_rows < 0 || spare_columns < 0)
    return Error(Code::shape_mismatch, "crop",
                 "got " + size_in_words(height_of(picture), width_of(picture)) + " pixels, needs " +
                     size_in_words(height, width) + " at least");
  const auto& strides = picture.strides();
  auto* first =
      static_cast<std::uint8_t*>(picture.data()) + spare_rows / 2 * strides[0] + spare_columns / 2 * strides[1];
  return Tensor::strided(first, DType::uint8, {height, width, channels_of(picture)}, strides, {}, picture.owner());
}

Wrapped<Crop> crop(Crop how) {
  auto stage = named("crop", {{"height", how.height}, {"width", how.width}}, how);
  stage.options.replicable = true;
  return stage;
}

}  // namespace tailrace::stages
