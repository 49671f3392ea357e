#pragma once
#include "support/requests.h"

// Two branches and a join, by each system.
namespace forking {

using bench::Requests;
using bench::Spin;

// What stands behind the branches.
inline std::uint32_t joined(const std::uint32_t& a, const std::uint32_t& b) { return a * 31 + b; }

// ---- plain_threads.cc
Requests enqueue_and_wait(Spin step);

// ---- tailrace.cc
Requests serial(Spin step);
Requests forked(Spin step);
struct Verdict {
  bool forks = false;
  double wake_us = 0;  // as measured for the decision
};
Requests decided(Spin step, Verdict& verdict);

}  // namespace forking
