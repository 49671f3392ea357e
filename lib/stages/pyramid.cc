#include "tailrace/stages/pyramid.h"

#include <algorithm>

#include "stages/area.h"
#include "stages/pictures.h"

namespace tailrace::stages {

Result<std::vector<Level>> Pyramid::operator()(const Tensor& picture) const {
  if (Status fit = check_picture(picture, "pyramid"); !fit) return fit.error();
  if (!(smallest > 0) || window < 1) return Error(Code::bad_value, "pyramid", "needs 'smallest' and 'window' above 0");
  if (!(factor > 0 && factor < 1)) return Error(Code::bad_value, "pyramid", "needs a 'factor' between 0 and 1");
  const auto seen = static_cast<double>(window);
  double scale = seen / smallest;
  double shorter = static_cast<double>(std::min(height_of(picture), width_of(picture))) * scale;
  std::vector<Level> levels;
  for (; shorter >= seen; scale *= factor, shorter *= factor) levels.push_back({picture, scale});
  return levels;
}

Result<Tensor> LevelPixels::operator()(const Level& level) const {
  if (Status fit = check_picture(level.picture, "level_pixels"); !fit) return fit.error();
  if (deviation == 0) return Error(Code::bad_value, "level_pixels", "'deviation' is 0");
  const Tensor& picture = level.picture;
  const double pixels = (static_cast<double>(height_of(picture)) * level.scale + 1) *
                        (static_cast<double>(width_of(picture)) * level.scale + 1);
  if (!(level.scale > 0) || !(pixels <= static_cast<double>(most_pixels)))
    return Error(Code::bad_value, "level_pixels",
                 "would make a picture of " + size_in_words(height_of(picture), width_of(picture)) + " pixels " +
                     std::to_string(level.scale) + " times as large, expected " + std::to_string(most_pixels) +
                     " pixels at most");
  const Tensor planes = Tensor::zeros(DType::float32, {channels_of(picture), level.height(), level.width()});
  sample_area(picture, {0, 0, width_of(picture), height_of(picture)}, level.height(), level.width(),
              {static_cast<float>(mean), static_cast<float>(deviation)}, static_cast<float*>(planes.data()));
  return planes;
}

Wrapped<Pyramid> pyramid(Pyramid how) {
  Parameters given{{"smallest", how.smallest}, {"factor", how.factor}, {"window", how.window}};
  auto stage = named("pyramid", std::move(given), how);
  stage.options.replicable = true;
  return stage;
}

Wrapped<LevelPixels> level_pixels(LevelPixels how) {
  auto stage = named("level_pixels", {{"mean", how.mean}, {"deviation", how.deviation}}, how);
  stage.options.replicable = true;
  return stage;
}

}  // namespace tailrace::stages
