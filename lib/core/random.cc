#include "tailrace/core/random.h"

#include <bit>
#include <cmath>

namespace tailrace {
namespace {

constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio, made odd

std::uint64_t scramble(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// log(2) in two parts: the first has so few digits that its multiples by exponents are exact.
constexpr double log2_high = 0x1.62e42feep-1, log2_low = 0x1.a39ef35793c76p-33;

// Of the two series, the highest power first.
constexpr double log_terms[] = {1. / 23, 1. / 21, 1. / 19, 1. / 17, 1. / 15, 1. / 13,
                                1. / 11, 1. / 9,  1. / 7,  1. / 5,  1. / 3};
constexpr double exp_terms[] = {
    1. / 87178291200, 1. / 6227020800, 1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320, 1. / 5040,
    1. / 720,         1. / 120,        1. / 24,        1. / 6,        1. / 2,       1,           1};

}  // namespace

namespace detail {

// x = 2^e m with m around 1, and log m = 2 atanh((m - 1) / (m + 1)) by its series.
double same_log(double x) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  constexpr std::uint64_t fraction = (std::uint64_t{1} << 52) - 1;
  auto e = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & fraction) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= .5;
    ++e;
  }
  const double s = (m - 1) / (m + 1), z = s * s;  // z < 0.0295
  double sum = 0;
  for (const double term : log_terms) sum = (sum + term) * z;
  return e * log2_high + (2 * s + (2 * s * sum + e * log2_low));
}

// x = k log 2 + r with r within half of log 2, and e^r by its series.
double same_exp(double x) noexcept {
  const double k = std::floor(x * 1.4426950408889634 + .5);
  const double r = (x - k * log2_high) - k * log2_low;
  double sum = 0;
  for (const double term : exp_terms) sum = sum * r + term;
  return sum * std::bit_cast<double>(static_cast<std::uint64_t>(static_cast<int>(k) + 1023) << 52);
}

}  // namespace detail

std::uint64_t Random::next() noexcept { return scramble(state_ += golden); }

double Random::uniform() noexcept { return (static_cast<double>(next() >> 12) + .5) * 0x1p-52; }

double Random::exponential() noexcept { return -detail::same_log(uniform()); }

double Random::normal() noexcept {
  for (;;) {
    const double x = 2 * uniform() - 1, y = 2 * uniform() - 1, s = x * x + y * y;
    if (s < 1 && s > 0) return x * std::sqrt(-2 * detail::same_log(s) / s);
  }
}

double Random::gamma(double shape) noexcept {
  if (shape < 1) {  // a draw of one shape more, shortened
    const double longer = gamma(shape + 1);
    const double power = detail::same_log(uniform()) / shape;
    return power < -700 ? 0 : longer * detail::same_exp(power);
  }
  const double d = shape - 1. / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal(), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (detail::same_log(uniform()) < .5 * x * x + d - d * v + d * detail::same_log(v)) return d * v;
  }
}

std::uint64_t seed_of(std::initializer_list<std::uint64_t> numbers) noexcept {
  std::uint64_t seed = golden;
  for (const auto n : numbers) seed = scramble(seed + scramble(n + golden));
  return seed;
}

std::uint64_t number_of(std::string_view name) noexcept {
  std::uint64_t number = name.size();
  for (const char c : name) number = (number ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return scramble(number);
}

}  // namespace tailrace
