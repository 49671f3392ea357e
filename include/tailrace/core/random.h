#pragma once
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace tailrace {

// Random numbers that are the same with every compiler, standard library and processor: 64-bit integers and IEEE
// doubles, from additions, multiplications, divisions and square roots alone, in a fixed order. One thread at a time.
//
//   Random random(seed_of({seed, request}));
//   double wait = 0.010 * random.exponential();  // seconds, 10 ms on average
//
// Counts upwards in steps of an odd constant and scrambles the count (the generator called SplitMix64; Steele, Lea and
// Flood 2014): a period of 2^64, and every seed is a good one. Not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept;
  double uniform() noexcept;            // above 0 and below 1
  double exponential() noexcept;        // of mean 1, by inversion: -log(uniform())
  double normal() noexcept;             // of mean 0 and deviation 1, by Marsaglia's polar method
  double gamma(double shape) noexcept;  // of scale 1, by Marsaglia and Tsang (2000). REQUIRES: shape > 0
  bool chance(double share) noexcept { return uniform() < share; }

 private:
  std::uint64_t state_;
};

// One seed made of several numbers: whoever asks with the same ones gets the same draws, whatever else was drawn.
std::uint64_t seed_of(std::initializer_list<std::uint64_t> numbers) noexcept;
// A number for a name, to make seeds of.
std::uint64_t number_of(std::string_view name) noexcept;

namespace detail {
// As std::log and std::exp within a few units of the last place, but the same everywhere.
double same_log(double x) noexcept;  // REQUIRES: x is finite and at least 1e-300
double same_exp(double x) noexcept;  // REQUIRES: x is between -700 and 700
}  // namespace detail

}  // namespace tailrace
