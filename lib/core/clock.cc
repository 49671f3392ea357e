#include "tailrace/core/clock.h"

namespace tailrace {

TimePoint deadline_from(std::chrono::system_clock::time_point wall) noexcept {
  // Within a century no sum below can overflow.
  constexpr auto century = std::chrono::hours(24 * 36525);
  const auto now = std::chrono::system_clock::now();
  if (wall > now + century) return never;
  if (wall < now - century) return TimePoint::min();
  return Clock::now() + std::chrono::duration_cast<Duration>(wall - now);
}

}  // namespace tailrace
