#include "tailrace/stages/windows.h"

#include <cmath>

#include "stages/pictures.h"

namespace tailrace::stages {

Result<Boxes> Windows::operator()(const Level& level, const Tensor& map) const {
  const Shape& shape = map.shape();
  if (map.device().kind != Device::Kind::cpu || map.dtype() != DType::float32 || shape.rank() != 3 || shape[0] != 5)
    return Error(Code::shape_mismatch, "windows",
                 "takes a map of float32 [5, rows, columns] on the CPU, got " + std::string(name(map.dtype())) + " " +
                     name(shape) + " on " + name(map.device()));
  if (map.empty() && shape.elements() != 0) return Error(Code::bad_value, "windows", "got a map without data");
  const Tensor flat = map.contiguous() ? map : map.contiguous_copy();
  const auto places = static_cast<std::size_t>(shape[1] * shape[2]), columns = static_cast<std::size_t>(shape[2]);
  const auto values = flat.as<float>();
  const auto scale = static_cast<float>(level.scale), bar = static_cast<float>(least);
  const auto step = static_cast<float>(stride), width = static_cast<float>(window);
  Boxes boxes;
  for (std::size_t i = 0; i < places; ++i) {
    if (!(values[i] >= bar)) continue;
    const auto row = static_cast<float>(i / columns), column = static_cast<float>(i % columns);
    Box box{std::floor((step * column + 1) / scale),
            std::floor((step * row + 1) / scale),
            std::floor((step * column + width) / scale),
            std::floor((step * row + width) / scale),
            values[i],
            {},
            {}};
    for (std::size_t k = 0; k < 4; ++k) box.shift[k] = values[(k + 1) * places + i];
    boxes.push_back(std::move(box));
  }
  return boxes;
}

Wrapped<Windows> windows(Windows how) {
  auto stage = named("windows", {{"least", how.least}, {"window", how.window}, {"stride", how.stride}}, how);
  stage.options.replicable = true;
  return stage;
}

}  // namespace tailrace::stages
