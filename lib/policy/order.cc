#include "tailrace/policy/order.h"

#include <algorithm>

namespace tailrace::policy {
namespace {

// Half of what 64 bits hold is for classes, so that no sum overflows.
constexpr std::int64_t most_lead = std::int64_t{1} << 62;

}  // namespace

std::int64_t rank(int priority, TimePoint deadline, TimePoint now, Duration ageing) noexcept {
  const std::int64_t due = std::clamp(deadline, now, now + ageing).time_since_epoch().count();
  const std::int64_t classes = ageing.count() ? most_lead / ageing.count() : 0;
  return due - std::clamp<std::int64_t>(priority, -classes, classes) * ageing.count();
}

}  // namespace tailrace::policy
