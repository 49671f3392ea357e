#pragma once
#include <functional>

#include "support/requests.h"

// A chain of operators of one size, by each system. Each function prepares a system outside the time that is taken.
namespace fusion {

using Value = std::uint32_t;
using Work = std::function<Value(long n)>;  // n requests, each on the answer of the one before
using bench::Spin;
inline constexpr int length = 10;
inline constexpr Value seed = 5;

// ---- plain_loop.cc
Work loop(Spin step);

// ---- tbb_flow_graph.cc
#if TAILRACE_HAS_TBB
Work flow_graph(Spin step);
#endif

// ---- tailrace.cc
enum class Fuse { all, none, by_cost };
Work chain(Spin step, Fuse fuse, bool deadline);

}  // namespace fusion
