#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "support/measure.h"

// How single requests are timed: where what a request takes depends on what the machine did before it.
namespace bench {

// One way of answering a request.
struct Requests {
  std::string name;
  std::function<std::uint32_t(std::uint32_t)> answer;
};

// Throws WrongAnswer where two disagree.
void check_answers(const std::vector<Requests>& arms);

// Each round's median of `per_round` requests, nanoseconds, with `gap` of sleep before each; arms in the order
// A B … B A. REQUIRES: their answers have been compared.
Comparison time_requests(const std::vector<Requests>& arms, int per_round, std::chrono::nanoseconds gap,
                         const Options& options);

// A function of a chosen duration that only computes: what a stage is in a benchmark of what stands around stages.
struct Spin {
  long steps = 1;
  std::uint32_t operator()(const std::uint32_t& x) const {
    std::uint32_t y = x;
    for (long i = 0; i < steps; ++i) {
      y = y * 3 + 1;
      asm volatile("" : "+r"(y));  // one step after another, as written
    }
    return y;
  }
};
// Steps that take so long on this machine, now.
long steps_for(std::chrono::nanoseconds time);

// What two threads do in the time of one, when both compute: 2 on two idle cores.
double two_core_scaling();

// "50 ns", "2 us", "1 ms"
std::string in_words(std::chrono::nanoseconds time);

}  // namespace bench
