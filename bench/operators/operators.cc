#include <algorithm>
#include <cmath>
#include <cstring>

#include "operators/scenario.h"

namespace operators {
namespace {

void scale(const float* in, float* out) {
  for (std::size_t i = 0; i < width; ++i) out[i] = in[i] * 1.5f;
}
void shift(const float* in, float* out) {
  for (std::size_t i = 0; i < width; ++i) out[i] = in[i] - 0.25f;
}
void clamp(const float* in, float* out) {
  for (std::size_t i = 0; i < width; ++i) out[i] = std::clamp(in[i], -4.f, 4.f);
}
void average(const float* in, float* out) {
  for (std::size_t i = 0; i < width; ++i) out[i] = (in[i] + in[(i + 1) % width] + in[(i + 2) % width]) / 3;
}
void differences(const float* in, float* out) {
  for (std::size_t i = 0; i < width; ++i) out[i] = in[i] - in[(i + 1) % width] * 0.5f;
}
void normalise(const float* in, float* out) {
  float sum = 0, squares = 0;
  for (std::size_t i = 0; i < width; ++i) sum += in[i], squares += in[i] * in[i];
  const float mean = sum / width, spread = std::sqrt(std::max(1e-6f, squares / width - mean * mean));
  for (std::size_t i = 0; i < width; ++i) out[i] = (in[i] - mean) / spread;
}
void rectify(const float* in, float* out) {
  for (std::size_t i = 0; i < width; ++i) out[i] = in[i] > 0 ? in[i] : in[i] * 0.1f;
}
void running_sum(const float* in, float* out) {
  float sum = 0;
  for (std::size_t i = 0; i < width; ++i) out[i] = sum = sum * 0.9f + in[i];
}
void squash(const float* in, float* out) {
  for (std::size_t i = 0; i < width; ++i) out[i] = in[i] / (1 + std::fabs(in[i]));
}
void softmax(const float* in, float* out) {
  const float most = *std::max_element(in, in + width);
  float sum = 0;
  for (std::size_t i = 0; i < width; ++i) sum += out[i] = std::exp(in[i] - most);
  for (std::size_t i = 0; i < width; ++i) out[i] /= sum;
}

double seconds_of(const Operator& op) {
  Values v = input_of(1);
  const auto begin = std::chrono::steady_clock::now();
  op(v);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

const std::array<const char*, count> names = {"scale",     "shift",   "clamp",       "average", "differences",
                                              "normalise", "rectify", "running_sum", "squash",  "softmax"};

void Operator::operator()(Values& v) const {
  float out[width];
  for (int i = 0; i < times; ++i) {
    kernel(v.data(), out);
    asm volatile("" : : "r"(out) : "memory");  // each time is needed, as far as the compiler knows
  }
  std::memcpy(v.data(), out, sizeof out);
}

std::array<Operator, count> operators_of(std::chrono::nanoseconds each) {
  constexpr std::array kernels{scale,     shift,   clamp,       average, differences,
                               normalise, rectify, running_sum, squash,  softmax};
  const double wanted = std::chrono::duration<double>(each).count();
  std::array<Operator, count> chain;
  for (std::size_t i = 0; i < count; ++i) {
    constexpr int probe = 200;
    double least = 1;
    for (int round = 0; round < 20; ++round) least = std::min(least, seconds_of({kernels[i], probe}) / probe);
    chain[i] = {kernels[i], std::max(1, static_cast<int>(wanted / least))};
  }
  return chain;
}

Values input_of(std::uint32_t seed) {
  Values v(width);
  for (float& x : v) {
    seed = seed * 1664525u + 1013904223u;  // a linear congruential generator
    x = static_cast<float>(seed >> 8) / static_cast<float>(1 << 22) - 2;
  }
  return v;
}

std::uint32_t answer_of(const Values& v) {
  std::uint32_t hash = 2166136261u;
  for (const float x : v) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    hash = (hash ^ bits) * 16777619u;
  }
  return hash;
}

}  // namespace operators
