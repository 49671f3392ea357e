#include "tailrace/core/clock.h"

#include <cmath>
#include <cstdint>
#include <ratio>
#include <type_traits>

namespace tailrace {

TimePoint deadline_from(std::chrono::system_clock::time_point wall) noexcept {
  // Within a century no sum below can overflow.
  constexpr auto century = std::chrono::hours(24 * 36525);
  const auto now = std::chrono::system_clock::now();
  if (wall > now + century) return never;
  if (wall < now - century) return TimePoint::min();
  return Clock::now() + std::chrono::duration_cast<Duration>(wall - now);
}

Duration to_duration(double seconds) noexcept {
  constexpr double most = 3074457345.;  // a third of what a Duration holds
  if (!(seconds < most)) return Duration(std::chrono::seconds(static_cast<std::int64_t>(most)));
  if (seconds < -most) return -Duration(std::chrono::seconds(static_cast<std::int64_t>(most)));
  return Duration(static_cast<Duration::rep>(std::floor(seconds * 1e9 + .5)));
}
static_assert(std::is_same_v<Duration::period, std::nano>);

}  // namespace tailrace
