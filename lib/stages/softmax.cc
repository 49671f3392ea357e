#include "tailrace/stages/softmax.h"

#include <algorithm>
#include <cmath>

#include "stages/elements.h"

namespace tailrace::stages {

namespace {

// False where a score is infinite or not a number.
template <class T>
bool softmax_of_row(std::span<const T> in, std::span<T> out) {
  if (!std::all_of(in.begin(), in.end(), [](T x) { return std::isfinite(x); })) return false;
  const T largest = *std::max_element(in.begin(), in.end());
  double sum = 0;
  for (std::size_t i = 0; i < in.size(); ++i) sum += out[i] = std::exp(in[i] - largest);
  for (T& x : out) x = static_cast<T>(x / sum);
  return true;
}

}  // namespace

Result<Tensor> softmax(const Tensor& scores) {
  return with_elements(scores, "softmax", [&]<class T>(std::span<const T> in) -> Result<Tensor> {
    Tensor probabilities = Tensor::zeros(scores.dtype(), scores.shape());
    const auto out = probabilities.as<T>();
    const auto& shape = scores.shape();
    const auto width = shape.rank() == 0 ? std::size_t{1} : static_cast<std::size_t>(shape[shape.rank() - 1]);
    for (std::size_t from = 0; from < in.size(); from += width)
      if (!softmax_of_row(in.subspan(from, width), out.subspan(from, width)))
        return Error(Code::bad_value, "softmax", "a score is infinite or not a number");
    return probabilities;
  });
}

}  // namespace tailrace::stages
