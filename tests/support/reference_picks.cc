#include <cstddef>
#include <functional>
#include <vector>

#include "support/reference.h"

namespace tailrace::test {

bool over_all_picks(std::size_t limit, const std::function<void(const Pick&)>& once) {
  struct Taken {
    std::size_t pick, of;
  };
  std::vector<Taken> path;
  for (std::size_t ways = 0; ways < limit; ++ways) {
    std::size_t depth = 0;
    once([&](std::size_t n) {
      if (depth == path.size()) path.push_back({0, n});
      return path[depth++].pick;
    });
    path.resize(depth);
    while (!path.empty() && path.back().pick + 1 == path.back().of) path.pop_back();
    if (path.empty()) return true;
    ++path.back().pick;
  }
  return false;
}

}  // namespace tailrace::test
