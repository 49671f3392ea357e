#pragma once
#include <cstdint>

#include "tailrace/core/atomic.h"
#include "tailrace/core/outcome.h"

// Where the time of a request goes that asks for it (Request::timing).
namespace tailrace::detail {

struct Frame;

// Adds up periods, several of which may be going on at once, on any threads. Timing count from one moment. One word
// holds how many are going on (16 bits) and the nanoseconds of ends less those of begins (48), so that a reading is
// exact whenever it is taken; the sum may go round, its difference to a reading does not below 39 hours.
class TimeSum {
 public:
  void clear() noexcept { word_.store(0, std::memory_order_relaxed); }
  void begin(Duration at) noexcept { word_.fetch_add(1 - nanoseconds(at), std::memory_order_relaxed); }
  void end(Duration at) noexcept { word_.fetch_add(nanoseconds(at) - 1, std::memory_order_relaxed); }
  // Of all periods so far; those that are going on count until `at`.
  Duration until(Duration at) const noexcept {
    const auto word = word_.load(std::memory_order_relaxed);
    const auto sum = word + (word & going_on) * (nanoseconds(at) - 1);
    return Duration(static_cast<std::int64_t>(sum) >> bits);
  }

 private:
  static constexpr unsigned bits = 16;
  static constexpr std::uint64_t going_on = (std::uint64_t{1} << bits) - 1;
  static std::uint64_t nanoseconds(Duration at) noexcept { return static_cast<std::uint64_t>(at.count()) << bits; }
  Atomic<std::uint64_t> word_{0};
};

// Of one request, elements included.
struct TimeAccount {
  TimePoint admitted{};
  TimeSum queued, ran, awaited;
  Timing answer{};  // as of the answer; written by the one who claimed the request

  void open(TimePoint now) noexcept {
    admitted = now;
    for (TimeSum* sum : {&queued, &ran, &awaited}) sum->clear();
  }
};

enum class Spent : std::uint8_t { queued, ran, awaited };
// Of the frame's request: see begin_spending(). REQUIRES: Frame::clocked
void note_begin(Frame& f, Spent on) noexcept;
void note_end(Frame& f, Spent on) noexcept;
void close_account(Frame& f) noexcept;  // it is answered now

}  // namespace tailrace::detail
