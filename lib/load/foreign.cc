#include "tailrace/load/foreign.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "tailrace/core/clock.h"

#ifdef __linux__
#include <fcntl.h>
#include <unistd.h>

#include <ctime>
#endif

namespace tailrace::load {
namespace {

double wall_seconds() noexcept { return to_seconds(Clock::now().time_since_epoch()); }

#ifdef __linux__

// What this process has used, all threads together.
double own_seconds() noexcept {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// What the machine has used: "cpu user nice system idle iowait irq softirq steal …", in ticks.
std::optional<double> busy_seconds() noexcept {
  const int file = open("/proc/stat", O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  char text[512];
  const auto size = read(file, text, sizeof text);
  close(file);
  std::string_view left(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  if (!left.starts_with("cpu ")) return std::nullopt;
  left.remove_prefix(4);
  double busy = 0;
  for (int column = 0; column < 8; ++column) {
    left.remove_prefix(std::min(left.find_first_not_of(' '), left.size()));
    unsigned long long ticks = 0;
    const auto [end, error] = std::from_chars(left.data(), left.data() + left.size(), ticks);
    if (error != std::errc()) return std::nullopt;
    left.remove_prefix(static_cast<std::size_t>(end - left.data()));
    if (column != 3 && column != 4) busy += static_cast<double>(ticks);
  }
  return busy / static_cast<double>(sysconf(_SC_CLK_TCK));
}
double processors() noexcept { return static_cast<double>(std::max(1l, sysconf(_SC_NPROCESSORS_ONLN))); }

#else

double own_seconds() noexcept { return 0; }
std::optional<double> busy_seconds() noexcept { return std::nullopt; }
double processors() noexcept { return 1; }

#endif

}  // namespace

ForeignLoad::ForeignLoad() noexcept : wall_(wall_seconds()), own_(own_seconds()), busy_(busy_seconds()) {}

std::optional<double> ForeignLoad::share() const noexcept {
  const auto busy = busy_seconds();
  const double wall = wall_seconds() - wall_;
  if (!busy || !busy_ || wall <= 0) return std::nullopt;
  const double foreign = (*busy - *busy_) - (own_seconds() - own_);
  return std::clamp(foreign / (wall * processors()), 0., 1.);  // ticks are coarse
}

}  // namespace tailrace::load
