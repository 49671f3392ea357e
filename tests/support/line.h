#pragma once
#include <mutex>
#include <utility>
#include <vector>

#include "support/check.h"
#include "support/values.h"
#include "tailrace/core/completion.h"
#include "tailrace/plan/callables.h"

namespace tailrace::test {

// A serial stage whose call with a 0 stays out until it is opened, and which notes the others in the order of their
// calls. It holds no thread, so that others may come where there is only one, or none.
struct Line {
  std::mutex mutex;
  std::vector<int> order;
  std::vector<Completion<int>> out;

  ~Line() { open(); }
  auto stage() {
    return tailrace::stage(
        [this](const int& x, Completion<int> done) {
          {
            const std::lock_guard lock(mutex);
            if (x == 0) return out.push_back(std::move(done));
            order.push_back(x);
          }
          done.complete(x);
        },
        {.serial = true});
  }
  bool holds() {
    const std::lock_guard lock(mutex);
    return !out.empty();
  }
  void open() {
    std::vector<Completion<int>> all;
    {
      const std::lock_guard lock(mutex);
      all.swap(out);
    }
    for (auto& done : all) done.complete(0);
  }
  void expect_order(const std::vector<int>& wanted) {
    const std::lock_guard lock(mutex);
    check(order == wanted, "served in the order " + show(order));
  }
};
struct OpensLine {
  Line& line;
  ~OpensLine() { line.open(); }
};

}  // namespace tailrace::test
