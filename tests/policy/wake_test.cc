// When a thread sleeps for a timer and when it spins: on a machine whose sleeps end late by a given distribution.
#include "tailrace/policy/wake.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <initializer_list>
#include <random>
#include <vector>

namespace policy = tailrace::policy;
using namespace tailrace;
using namespace std::chrono_literals;

namespace {

struct Seen {
  std::vector<Duration> late;
  Duration spun{}, passed{}, most_spun_over{};  // the last: beyond the share of the time, at any moment
  Duration median() {
    std::sort(late.begin(), late.end());
    return late[late.size() / 2];
  }
  double share() const { return static_cast<double>(spun.count()) / static_cast<double>(passed.count()); }
};

// Timers one after another, each `gap` behind the one before or, if that is over, as soon as may be.
Seen watch(int timers, Duration gap, Duration usual_late, double spread) {
  policy::WakeState state;
  std::mt19937_64 random(7);
  std::lognormal_distribution<> late(std::log(static_cast<double>(usual_late.count())), spread);
  const TimePoint start{1h};
  TimePoint now = start, due = start;
  state.filled = start;
  Seen seen;
  for (int i = 0; i < timers; ++i) {
    due += gap;
    state = policy::pass(state, now);
    if (const TimePoint wake = policy::wake_before(state, due); now < wake) {
      const Duration more(static_cast<Duration::rep>(late(random)));
      state = policy::observe_sleep(state, more);
      now = wake + more;
    }
    if (now < due) {
      state = policy::observe_spin(state, due - now);
      seen.spun += due - now;
      now = due;
    }
    seen.passed = now - start;
    const Duration allowed(static_cast<Duration::rep>(policy::spin_share * static_cast<double>(seen.passed.count())));
    seen.most_spun_over = std::max(seen.most_spun_over, seen.spun - allowed);
    if (i >= timers / 4) seen.late.push_back(now - due);
  }
  return seen;
}

}  // namespace

TEST_CASE("wake: late by at most 50 us at the median, within the budget, whatever the rate") {
  for (const Duration gap : std::initializer_list<Duration>{100ms, 10ms, 1ms, 200us, 50us})
    for (const Duration usual : std::initializer_list<Duration>{5us, 30us, 60us})
      for (const double spread : {.1, .5}) {
        INFO(gap.count() << " ns apart, sleeps late by " << usual.count() << " ns, spread " << spread);
        Seen seen = watch(20000, gap, usual, spread);
        CHECK(seen.median() <= 50us);
        CHECK(seen.most_spun_over <= policy::spin_burst + 1us);  // rounded down for every timer
        CHECK(seen.share() <= policy::spin_share + .01);
      }
}

TEST_CASE("wake: rare timers fire in time nine times in ten") {
  Seen seen = watch(4000, 100ms, 60us, .3);
  CHECK(seen.median() == 0ns);
  CHECK(seen.late[seen.late.size() * 85 / 100] == 0ns);
}

TEST_CASE("wake: without a budget a thread sleeps until it is due") {
  policy::WakeState state;
  state.left = 0ns;
  CHECK(policy::wake_before(state, TimePoint(1s)) == TimePoint(1s));
  state.left = -5us;
  CHECK(policy::wake_before(state, TimePoint(1s)) == TimePoint(1s));
  state.left = 3us;
  CHECK(policy::wake_before(state, TimePoint(1s)) == TimePoint(1s) - 3us);  // and never spins for longer than it may
}

TEST_CASE("wake: the budget is filled by time, up to its burst") {
  policy::WakeState state;
  state.left = 0ns;
  state = policy::pass(state, TimePoint(1s));
  state.left = 0ns;
  state = policy::pass(state, TimePoint(1s) + 10ms);
  CHECK(state.left == 160us);
  CHECK(policy::pass(state, TimePoint(1s)).left == 160us);  // a clock that goes back gives nothing
  CHECK(policy::pass(state, TimePoint(24h)).left == policy::spin_burst);
  CHECK(policy::observe_spin(state, 50us).left == 110us);
}

TEST_CASE("wake: how late sleeps end is learned, and forgotten") {
  policy::WakeState state;
  for (int i = 0; i < 1000; ++i) state = policy::observe_sleep(state, i % 10 ? 10us : 300us);
  CHECK(state.usual <= 12us);
  for (int i = 0; i < 500; ++i) state = policy::observe_sleep(state, 200us);
  CHECK(state.usual >= 150us);
  CHECK(state.most >= state.usual);
  for (int i = 0; i < 1000; ++i) state = policy::observe_sleep(state, 2us);
  CHECK(state.most <= 5us);
  for (int i = 0; i < 1000; ++i) state = policy::observe_sleep(state, 1h);  // a machine that slept
  CHECK(state.most <= 1ms);
}
