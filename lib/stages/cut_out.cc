#include "tailrace/stages/cut_out.h"

#include <algorithm>

#include "stages/area.h"
#include "stages/pictures.h"

namespace tailrace::stages {

namespace {

// `place` without its fraction, within `least` and `most`; `least` where it is not a number.
std::int64_t whole(float place, std::int64_t least, std::int64_t most) {
  if (!(place > static_cast<float>(least))) return least;
  return place < static_cast<float>(most) ? static_cast<std::int64_t>(place) : most;
}

Part inside(const Box& box, const Tensor& picture) {
  const auto height = height_of(picture), width = width_of(picture);
  return {whole(box.left, 1, width + 1) - 1, whole(box.top, 1, height + 1) - 1, whole(box.right, 0, width),
          whole(box.bottom, 0, height)};
}

}  // namespace

Result<std::vector<Tensor>> CutOut::operator()(const Tensor& picture, const Boxes& boxes) const {
  if (Status fit = check_picture(picture, "cut_out"); !fit) return fit.error();
  if (size < 1 || size > 4096) return Error(Code::bad_value, "cut_out", "needs a 'size' from 1 to 4096");
  if (deviation == 0) return Error(Code::bad_value, "cut_out", "'deviation' is 0");
  const Norm norm{static_cast<float>(mean), static_cast<float>(deviation)};
  const Shape one{channels_of(picture), size, size};
  const auto together = static_cast<std::size_t>(std::max<std::int64_t>(batch, 1));
  std::vector<Tensor> cut;
  for (std::size_t first = 0; first < boxes.size(); first += together) {
    const auto rows = std::min(together, boxes.size() - first);
    cut.push_back(Tensor::zeros(DType::float32, batch > 0 ? one.with_first(static_cast<std::int64_t>(rows)) : one));
    auto* out = static_cast<float*>(cut.back().data());
    for (std::size_t i = 0; i < rows; ++i, out += one.elements())
      if (const Part part = inside(boxes[first + i], picture); !part.empty())
        sample_area(picture, part, size, size, norm, out);
  }
  return cut;
}

Wrapped<CutOut> cut_out(CutOut how) {
  Parameters given{{"size", how.size}, {"mean", how.mean}, {"deviation", how.deviation}};
  if (how.batch > 0) given.add({"batch", how.batch});
  auto stage = named("cut_out", std::move(given), how);
  stage.options.replicable = true;
  return stage;
}

}  // namespace tailrace::stages
