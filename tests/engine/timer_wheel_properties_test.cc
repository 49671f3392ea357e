// Armed timers against a std::multimap: the same order for any times, and what arming, disarming and the passing of
// time cost, counted in the timers that change their place.
#include "tailrace/engine/timer_wheel.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <vector>

using namespace tailrace;
using tailrace::detail::TimerWheel;

namespace {

struct Numbered : Timer {
  int number = 0;
  std::uint32_t seen = 0;  // its place when it was looked at last
  unsigned moves = 0;
};

// A wheel and what it is to do.
class Pair {
 public:
  explicit Pair(TimePoint start) : now_(start) {}

  void arm(Duration from_now) {
    Numbered& timer = timers_.emplace_back();
    timer.number = static_cast<int>(timers_.size());
    const TimePoint due = now_ + from_now;
    wheel_.arm(due, timer);
    where_.push_back(expected_.emplace(std::max(due, looked_), &timer));
    timer.seen = timer.place;
    RC_ASSERT(timer.place != 0u);
    look(false);
  }
  void disarm(std::size_t which) {
    if (timers_.empty()) return;
    which %= timers_.size();
    const bool armed = where_[which] != expected_.end();
    RC_ASSERT(wheel_.disarm(timers_[which]) == armed);
    RC_ASSERT(timers_[which].place == 0u);
    if (armed) expected_.erase(where_[which]);
    where_[which] = expected_.end();
    look(false);
  }
  // Everything that is due by then, or only the first few.
  void pass(Duration time, std::size_t most) {
    now_ += time;
    looked_ = std::max(looked_, now_);
    for (; most > 0; --most) {
      auto* const due = static_cast<Numbered*>(wheel_.take_due(now_));
      look(true);
      const auto first = expected_.begin();
      const bool is_due = first != expected_.end() && first->first <= now_;
      RC_ASSERT((due != nullptr) == is_due);
      if (!due) return check_next();
      RC_ASSERT(due == first->second);
      RC_ASSERT(due->place == 0u);
      where_[static_cast<std::size_t>(due->number) - 1] = expected_.end();
      expected_.erase(first);
    }
  }
  // From look to look until nothing is armed: never past a timer, and soon there.
  void finish() {
    while (!expected_.empty()) {
      const TimePoint due = expected_.begin()->first;
      unsigned looks = 0;
      do {
        pass(std::max(wheel_.next() - now_, Duration{}), 1);
        RC_ASSERT(++looks <= TimerWheel::levels);
      } while (now_ < due);
      RC_ASSERT(now_ == std::max(now_, due));
    }
    RC_ASSERT(wheel_.empty());
    RC_ASSERT(wheel_.next() == never);
  }

 private:
  // Only time moves timers, and each one only down.
  void look(bool may_move) {
    for (const auto& [due, timer] : expected_) {
      Numbered& t = *timer;
      if (t.place == t.seen || t.place == 0) continue;
      RC_ASSERT(may_move);
      RC_ASSERT((t.place - 1) / 64 < (t.seen - 1) / 64);
      t.seen = t.place;
      RC_ASSERT(++t.moves < TimerWheel::levels);
    }
  }
  void check_next() {
    const TimePoint next = wheel_.next();
    RC_ASSERT(next > now_);
    RC_ASSERT((expected_.empty() ? next == never : next <= expected_.begin()->first));
    if (expected_.size() <= TimerWheel::looked_over && !expected_.empty()) RC_ASSERT(next == expected_.begin()->first);
    RC_ASSERT(wheel_.empty() == expected_.empty());
  }

  using Expected = std::multimap<TimePoint, Numbered*>;  // of equal keys the one that was put in first is first
  TimerWheel wheel_;
  std::deque<Numbered> timers_;
  Expected expected_;
  std::vector<Expected::iterator> where_;
  TimePoint now_, looked_ = TimePoint::min();
};

// Durations of every size, many of them equal.
Duration some_time() {
  const auto bits = *rc::gen::inRange(0, 44);
  return Duration(*rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << bits) & ~(bits > 12 ? std::int64_t{255} : 0));
}

}  // namespace

TEST_CASE("timer wheel: the same order as a sorted map's, for any times") {
  CHECK(rc::check("timer wheel", [] {
    Pair both(TimePoint(Duration(*rc::gen::inRange<std::int64_t>(-1000000000000, 1000000000000))));
    const auto steps = *rc::gen::inRange(0, 120);
    for (int i = 0; i < steps; ++i) switch (*rc::gen::inRange(0, 8)) {
        case 0: both.disarm(*rc::gen::arbitrary<std::size_t>() & 0xffff); break;
        case 1: both.pass(some_time(), *rc::gen::inRange<std::size_t>(1, 200)); break;
        case 2: both.arm(-some_time()); break;
        default: both.arm(some_time());
      }
    both.finish();
  }));
}

TEST_CASE("timer wheel: many timers, and the ends of time") {
  CHECK(rc::check("timer wheel of many", [] {
    Pair both(*rc::gen::element(TimePoint{}, TimePoint::min(), TimePoint(Duration(std::int64_t{1} << 62))));
    const auto many = *rc::gen::inRange(0, 400);
    const auto span = *rc::gen::element<std::int64_t>(2, 100, 1000000, std::int64_t{1} << 40, std::int64_t{1} << 61);
    for (int i = 0; i < many; ++i) both.arm(Duration(*rc::gen::inRange<std::int64_t>(0, span)));
    both.finish();
  }));
}
