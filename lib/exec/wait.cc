#include "exec/wait.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <ctime>

namespace tailrace::detail {
namespace {

long futex(const std::atomic<std::uint32_t>& word, int operation, std::uint32_t value, const timespec* until) noexcept {
  return syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, until, nullptr, FUTEX_BITSET_MATCH_ANY);
}

}  // namespace

void wait_on(const std::atomic<std::uint32_t>& word, std::uint32_t seen, TimePoint until) noexcept {
  if (until == never) {
    futex(word, FUTEX_WAIT_BITSET, seen, nullptr);
    return;
  }
  // The bitset form takes an absolute time of the monotonic clock, which is what steady_clock shows.
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(until.time_since_epoch()).count();
  if (ns <= 0) return;
  const timespec at{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  futex(word, FUTEX_WAIT_BITSET, seen, &at);
}

void wake_all(const std::atomic<std::uint32_t>& word) noexcept { futex(word, FUTEX_WAKE, INT_MAX, nullptr); }

}  // namespace tailrace::detail
