#include "tailrace/stages/boxes.h"

#include <algorithm>
#include <cmath>

#include "stages/pictures.h"

namespace tailrace::stages {

Boxes merge_boxes(const std::vector<Boxes>& lists) {
  Boxes all;
  for (const Boxes& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

Boxes ShiftBoxes::operator()(Boxes boxes) const {
  for (Box& b : boxes) {
    const float width = b.right - b.left + border, height = b.bottom - b.top + border;
    b.left += b.shift[0] * width;
    b.top += b.shift[1] * height;
    b.right += b.shift[2] * width;
    b.bottom += b.shift[3] * height;
    b.shift = {};
  }
  return boxes;
}

Boxes square_boxes(Boxes boxes) {
  for (Box& b : boxes) {
    const float width = b.right - b.left, height = b.bottom - b.top, longer = std::max(width, height);
    b.left = b.left + width * 0.5F - longer * 0.5F;
    b.top = b.top + height * 0.5F - longer * 0.5F;
    b.right = b.left + longer;
    b.bottom = b.top + longer;
  }
  return boxes;
}

// ---- drawing

namespace {

using Colour = std::array<std::uint8_t, 3>;
constexpr Colour frame_colour{255, 40, 40}, mark_colour{40, 255, 40};

// The pixel that a place is in, within 0 and `most`; 0 where it is not a number.
std::int64_t pixel_at(float place, std::int64_t most) {
  if (!(place > 0)) return 0;
  return place < static_cast<float>(most) ? static_cast<std::int64_t>(place) : most;
}

// Rows [top, bottom) and columns [left, right), as far as they are inside.
void fill(const Tensor& picture, std::int64_t left, std::int64_t top, std::int64_t right, std::int64_t bottom,
          const Colour& colour) {
  auto* pixels = static_cast<std::uint8_t*>(picture.data());
  const auto height = height_of(picture), width = width_of(picture);
  for (auto y = std::max<std::int64_t>(top, 0); y < std::min(bottom, height); ++y)
    for (auto x = std::max<std::int64_t>(left, 0); x < std::min(right, width); ++x)
      std::copy(colour.begin(), colour.end(), pixels + 3 * (y * width + x));
}

void draw(const Tensor& picture, const Box& box, std::int64_t thick) {
  const auto height = height_of(picture), width = width_of(picture);
  const auto left = pixel_at(box.left, width), right = pixel_at(box.right, width);
  const auto top = pixel_at(box.top, height), bottom = pixel_at(box.bottom, height);
  fill(picture, left, top, right, top + thick, frame_colour);
  fill(picture, left, bottom - thick, right, bottom, frame_colour);
  fill(picture, left, top, left + thick, bottom, frame_colour);
  fill(picture, right - thick, top, right, bottom, frame_colour);
  for (const Mark& mark : box.marks) {
    if (!(mark.x >= 0 && mark.y >= 0)) continue;
    const auto x = pixel_at(mark.x, width), y = pixel_at(mark.y, height);
    fill(picture, x - thick, y - thick, x + thick, y + thick, mark_colour);
  }
}

}  // namespace

Result<Tensor> DrawBoxes::operator()(const Tensor& picture, const Boxes& boxes) const {
  if (Status fit = check_picture(picture, "draw_boxes"); !fit) return fit.error();
  if (channels_of(picture) != 3)
    return Error(Code::shape_mismatch, "draw_boxes",
                 "takes pictures of 3 channels, got " + std::to_string(channels_of(picture)));
  if (width < 1) return Error(Code::bad_value, "draw_boxes", "needs a 'width' above 0");
  const Tensor drawn = picture.contiguous_copy();
  for (const Box& box : boxes) draw(drawn, box, width);
  return drawn;
}

Wrapped<ShiftBoxes> shift_boxes(ShiftBoxes how) {
  Parameters given;
  if (how.border != 0) given.add({"border", static_cast<double>(how.border)});
  auto stage = named("shift_boxes", std::move(given), how);
  stage.options.replicable = true;
  return stage;
}

Wrapped<DrawBoxes> draw_boxes(DrawBoxes how) {
  Parameters given;
  if (how.width != 2) given.add({"width", static_cast<double>(how.width)});
  auto stage = named("draw_boxes", std::move(given), how);
  stage.options.replicable = true;
  return stage;
}

}  // namespace tailrace::stages
