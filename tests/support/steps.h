#pragma once
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/cases.h"
#include "support/check.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"

// Small stages that many cases are made of.
namespace tailrace::test {

inline int plus_one(int x) { return x + 1; }
inline int twice(int x) { return 2 * x; }
inline int same(int x) { return x; }
inline int bang(int) { throw std::runtime_error("bang"); }
inline std::string spell(int x) { return std::string(40, 'a') + std::to_string(x); }
inline int length(const std::string& s) { return static_cast<int>(s.size()); }
inline std::vector<int> count_up(int n) {
  std::vector<int> v;
  for (int i = 0; i < n; ++i) v.push_back(i);
  return v;
}
inline auto fail_if(int bad) {
  return [bad](int x) -> Result<int> {
    if (x == bad) return Error(Code::bad_value, "not " + std::to_string(bad));
    return x;
  };
}
inline auto give(int answer) {
  return [answer](int) { return answer; };
}
inline bool always(const int&) { return true; }
inline bool never_so(const int&) { return false; }
inline bool throwing_test(const int&) { throw 1; }

// Flow<int, Out> from a function of its input's stream.
template <class Build>
auto from_int(Build build) {
  return flow<int>("f", build);
}

}  // namespace tailrace::test
