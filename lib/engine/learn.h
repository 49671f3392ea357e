#pragma once
#include "tailrace/core/atomic.h"

namespace tailrace::detail {

// Replaces what a word holds by what `next_of` makes of it. Nothing that others note at the same time is lost: then it
// is asked again.
template <class T, class F>
inline void learn(Atomic<T>& word, F next_of) noexcept {
  constexpr auto relaxed = std::memory_order_relaxed;
  T known = word.load(relaxed);
  for (;;) {
    const T next = next_of(known);
    if (next == known || word.compare_exchange_weak(known, next, relaxed, relaxed)) return;
  }
}

}  // namespace tailrace::detail
