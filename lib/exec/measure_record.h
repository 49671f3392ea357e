#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tailrace/plan/profile.h"

namespace tailrace::detail {

// The smallest value that this share of all does not exceed. REQUIRES: sorted, not empty.
double quantile(const std::vector<double>& sorted, double share);

// Times as they are taken, in bounded memory: past `most` of them, each new one takes the place of one chosen at
// random, so that those kept are a fair draw of all.
class Record {
 public:
  Record(std::string where, std::string variant);

  void add(double seconds, double bytes);
  void fail(std::string_view why);
  // The combinator around this arm was gone through, and so many times this arm.
  void entered(std::uint64_t times) { ++entered_, through_ += times; }
  const std::string& where() const { return cost_.where; }
  void end_round();
  void forget();  // what the warm-up found
  Cost cost();

 private:
  static constexpr std::size_t most = 4096;

  void compare_rounds();

  Cost cost_;
  std::vector<double> kept_, round_, medians_;
  double sum_ = 0, bytes_ = 0;
  std::uint64_t entered_ = 0, through_ = 0, draws_ = 0;
  std::vector<bool> slow_;                                       // by call of the round before: among its slowest tenth
  std::uint64_t compared_ = 0, slow_once_ = 0, slow_again_ = 0;  // calls; those slow in a round; and in the next one
};

}  // namespace tailrace::detail
