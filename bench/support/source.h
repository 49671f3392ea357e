#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "tailrace/core/tensor.h"

// Work on tensors as an Arm wants it: every call on the answer of the one before.
namespace bench {

// An input whose first element follows from the answer before, as that times `share`.
struct Source {
  template <class F>  // float element(std::size_t): the i-th at first
  Source(const tailrace::Shape& shape, F element, float by = 1)
      : rows(tailrace::Tensor::zeros(tailrace::DType::float32, shape)), share(by) {
    std::size_t i = 0;
    for (float& x : rows.as<float>()) x = element(i++);
  }
  void follow(float answer) { rows.as<float>()[0] = share * answer; }
  tailrace::Tensor rows;
  float share;
};

// What Arm::run does with it.
template <class Once>  // float once(): the answer's first element
std::function<std::uint32_t(long)> repeat(std::shared_ptr<Source> source, Once once) {
  return [source, once](long n) mutable {
    source->follow(0);
    float answer = 0;
    for (long i = 0; i < n; ++i) source->follow(answer = once());
    return std::bit_cast<std::uint32_t>(answer);
  };
}

}  // namespace bench
