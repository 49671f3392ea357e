#include "tailrace/stages/scale.h"

#include "stages/elements.h"

namespace tailrace::stages {

Result<Tensor> Scale::operator()(const Tensor& values) const {
  return with_elements(values, "scale", [&]<class T>(std::span<const T> in) -> Result<Tensor> {
    Tensor scaled = Tensor::zeros(values.dtype(), values.shape());
    const auto out = scaled.as<T>();
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = static_cast<T>(static_cast<double>(in[i]) * by + offset);
    return scaled;
  });
}

Wrapped<Scale> scale(Scale how) {
  Parameters given;
  if (how.by != 1) given.add({"by", how.by});
  if (how.offset != 0) given.add({"offset", how.offset});
  auto stage = named("scale", std::move(given), how);
  stage.options.replicable = true;
  return stage;
}

}  // namespace tailrace::stages
