// Parks, stations and batches: small cases in which two things meet, under every order of accesses within a bound, and
// under random ones.
// checks: cancel-meets, request-one, station-leave, async-once
// One schedule again, as a failure prints it: TAILRACE_SCHEDULE="12:1 40:2" interleave_test "NAME OF THE TEST"
#include <catch2/catch.hpp>
#include <optional>

#include "interleave/explore_all.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"

using namespace tailrace;
using namespace tailrace::interleave;
using namespace std::chrono_literals;
using test::check;
using test::show;

namespace {

int twice(int x) { return 2 * x; }

// Keeps the Completion that it is given, for the one who asks for it first.
struct Kept {
  std::optional<Completion<int>> done;
  auto stage() {
    return [this](const int&, Completion<int> c) { done.emplace(std::move(c)); };
  }
  // Waits for it, or until the request was answered without it.
  std::optional<Completion<int>> take(const World& w) {
    schedule().block([&] { return done || w.answers->count; });
    return std::exchange(done, std::nullopt);
  }
};

}  // namespace

TEST_CASE("interleavings: a Completion, a deadline and a cancellation") {
  Kept kept;
  const auto plan = plan_of([&](Stream<int> s) { return s.then("a", kept.stage()).then("b", twice); });
  Seen outcomes{{"14", "deadline_missed", "cancelled"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 1);
    auto engine = w.start(plan);
    auto h = engine.submit(5, {.within = 1ms});
    bool taken = false;
    w.run({[&] {
             auto done = kept.take(w);
             if (done) taken = done->complete(7), check(!done->complete(8), "taken twice");
           },
           [&] { h.cancel(); }});
    kept.done.reset();  // began when the request was over
    check(h.ready() && w.answers->count == 1, "not one outcome");
    const auto o = h.get();
    check(!o || taken, "a value that was refused");
    outcomes(show(o));
  });
}

TEST_CASE("interleavings: two requests at a serial stage, one of them cancelled") {
  int inside = 0;
  const auto serial = [&](int x) {
    check(++inside == 1, "two calls at once");
    schedule().point();
    --inside;
    return 2 * x;
  };
  const auto plan = plan_of([&](Stream<int> s) { return s.then("a", stage(serial, {.serial = true})); });
  Seen outcomes{{"10 12", "10 cancelled"}};
  explore_all(outcomes, [&](const auto& pick) {
    inside = 0;
    World w(pick, 2);
    auto engine = w.start(plan);
    auto one = engine.submit(5), two = engine.submit(6);
    w.run({[&] { two.cancel(); }});
    check(one.ready() && two.ready() && w.answers->count == 2, "not one outcome each");
    check(engine.figures().waiting == 0, "somebody waits for ever");
    outcomes(show(one.get()) + " " + show(two.get()));
  });
}

TEST_CASE("interleavings: a batch of two rows, each of them cancelled") {
  const auto together = [](Batch<int, int>& rows) {
    schedule().point();
    for (std::size_t i = 0; i < rows.size(); ++i) rows.put(i, 2 * rows.in(i));
  };
  const auto plan = plan_of([&](Stream<int> s) { return s.then("b", stage(together, {.max_batch = 2})); });
  Seen outcomes{{"10 12 14", "10 cancelled 14", "10 12 cancelled", "10 cancelled cancelled"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 2);
    auto engine = w.start(plan);
    auto one = engine.submit(5), two = engine.submit(6), three = engine.submit(7);
    w.run({[&] { two.cancel(); }, [&] { three.cancel(); }});
    check(one.ready() && two.ready() && three.ready() && w.answers->count == 3, "not one outcome each");
    check(engine.figures().waiting == 0, "somebody waits for ever");
    outcomes(show(one.get()) + " " + show(two.get()) + " " + show(three.get()));
  });
}

TEST_CASE("interleavings: a race with an arm that answers later") {
  Kept kept;
  const auto plan = plan_of([&](Stream<int> s) { return race("r", s, kept.stage(), twice); });
  Seen outcomes{{"7 winner 0", "10 winner 1"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 2);
    auto engine = w.start(plan);
    auto h = engine.submit(5);
    w.run({[&] {
      if (auto done = kept.take(w)) (void)done->complete(7);
    }});
    kept.done.reset();
    check(h.ready() && w.answers->count == 1, "not one outcome");
    outcomes(show(h.get()));
  });
}

TEST_CASE("interleavings: an element that waits for its turn, and the request's cancellation") {
  const auto serial = [](int x) { return schedule().point(), 2 * x; };
  const auto plan = plan_of([&](Stream<int> s) {
    const auto some = [](int n) { return std::vector<int>(2, n); };
    return each("e", s.then("v", some),
                flow<int>("one", [&](Stream<int> x) { return x.then("a", stage(serial, {.serial = true})); }));
  });
  Seen outcomes{{"[10 10]", "cancelled"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 2);
    auto engine = w.start(plan);
    auto h = engine.submit(5);
    w.run({[&] { h.cancel(); }});
    check(h.ready() && w.answers->count == 1, "not one outcome");
    check(engine.figures().waiting == 0, "an element waits for ever");
    outcomes(show(h.get()));
  });
}
