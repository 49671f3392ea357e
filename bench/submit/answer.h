#pragma once
#include <tailrace/core/atomic.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>

#include "submit/scenario.h"

namespace submitting {

inline void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t seen) {
  syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, seen, nullptr, nullptr, 0);
}
inline void futex_wake(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, nullptr, nullptr, 0);
}

// What one thread writes once and another one waits for. Who waits looks as often as a Handle does before he sleeps,
// and is woken only where he does.
class Answer {
 public:
  Value wait() {
    for (int i = 0; i < tailrace::detail::looks_before_sleep; ++i) {
      if (word_.load(std::memory_order_acquire) & done) return value_;
      __builtin_ia32_pause();
    }
    auto seen = word_.fetch_or(waiting, std::memory_order_acq_rel) | waiting;
    while (!(seen & done)) {
      futex_wait(word_, seen);
      seen = word_.load(std::memory_order_acquire);
    }
    return value_;
  }
  void put(Value value) {
    value_ = value;
    if (word_.fetch_or(done, std::memory_order_acq_rel) & waiting) futex_wake(word_);
  }

 private:
  enum Bits : std::uint32_t { done = 1, waiting = 2 };
  Value value_ = 0;
  std::atomic<std::uint32_t> word_{0};
};

}  // namespace submitting
