#pragma once
#include <cstdint>
#include <vector>

#include "tailrace/model/batch_times.h"

namespace tailrace {

// How a number of rows is served in the least time, by a table of what calls of so many rows take. Real tables are not
// monotone: a call of 3 rows may be slower than one of 4 (then 3 run as 4, padded), and one of 8 than two of 4 (then 8
// are split). Found when it is made, by dynamic programming over all ways to cut n rows into calls; afterwards it is
// read without memory or search.
//
//   const BatchPlan plan(times, 32);
//   plan.run(3);    // seconds of a call for 3 rows, padded where that is quicker
//   plan.first(8);  // 4: of 8 rows that wait, as many are taken first
class BatchPlan {
 public:
  static constexpr std::uint32_t most_rows = 1024;

  BatchPlan() = default;
  // Calls of up to `most` rows, 1 to most_rows. Throws std::bad_alloc. REQUIRES: times.known()
  BatchPlan(const BatchTimes& times, std::uint32_t most);

  // Of nothing yet, with the memory for renew(). Throws std::bad_alloc.
  explicit BatchPlan(std::uint32_t most);
  // Finds it anew: `seconds(n)` is what a call of n rows takes, 1 to most(). Takes no memory.
  template <class F>
  void renew(F seconds) noexcept {
    for (std::uint32_t n = 1; n <= most_; ++n) run_[n] = seconds(n);
    cut();
  }

  bool known() const noexcept { return known_; }
  std::uint32_t most() const noexcept { return most_; }
  // Seconds of a call for n rows, and as how many it runs. REQUIRES: 1 <= n <= most()
  double run(std::uint32_t n) const noexcept { return run_[n]; }
  std::uint32_t padded(std::uint32_t n) const noexcept { return padded_[n]; }
  // How many of n rows to take first, if all are to be served in the least time: of several such cuts the one that
  // takes the least time a row, and of those the smallest. REQUIRES: n >= 1
  std::uint32_t first(std::uint32_t n) const noexcept { return n < first_.size() ? first_[n] : best_; }
  // The same where not the time until the last one is answered is to be least but the sum of all waits: of the n rows,
  // and of `others` that come meanwhile and wait until these are done. Few others make calls smaller, unless larger
  // ones are much quicker a row; with many it is first(n). Known for some numbers of others; the nearest below counts.
  std::uint32_t first(std::uint32_t n, double others) const noexcept;
  // The least time in which n rows are served, one call after another.
  double total(std::uint32_t n) const noexcept;
  // The number of rows whose call takes the least time a row.
  std::uint32_t best() const noexcept { return best_; }

 private:
  struct Weighed {
    double others = 0;
    std::vector<std::uint32_t> first;
  };
  void weigh(Weighed& w) noexcept;
  void cut() noexcept;  // from run_, in which nothing is padded yet

  bool known_ = false;
  std::uint32_t most_ = 0, best_ = 1;
  std::vector<double> run_, total_;            // by rows; total_ and first_ up to twice `most`
  std::vector<std::uint32_t> padded_, first_;  // by rows
  std::vector<Weighed> weighed_;               // few others first
};

}  // namespace tailrace
