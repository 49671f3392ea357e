// Small cases in which two things meet, under every order of accesses within a bound, and under random ones.
// checks: cancel-meets, request-one
// One schedule again, as a failure prints it: TAILRACE_SCHEDULE="12:1 40:2" interleave_test "NAME OF THE TEST"
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
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

int plus_one(int x) { return x + 1; }
int twice(int x) { return 2 * x; }
int bang(int) { throw std::runtime_error("bang"); }
bool never_so(const int&) { return false; }

}  // namespace

TEST_CASE("interleavings: the scheduler finds an increment that is lost") {
  const auto once = [](const Schedule::Pick& pick) {
    detail::Atomic<int> n{0};
    const auto add = [&] { n.store(n.load() + 1); };
    schedule().run({add, add}, pick);
    check(n == 2, "an increment was lost");
  };
  const Explored all = explore(once);
  REQUIRE(all.failure.find("an increment was lost") != std::string::npos);
  const auto from = all.failure.find('"') + 1;
  const auto words = all.failure.substr(from, all.failure.size() - 1 - from);
  Path path;
  for (const auto& [at, taken] : from_words(words)) {
    path.resize(at + 1);
    path[at].taken = taken;
  }
  CHECK(in_words(path) == words);
  schedule().restart();
  CHECK_THROWS(
      once([&](std::size_t at, const interleave::Decision&) { return at < path.size() ? path[at].taken : 0; }));
  schedule().restart();
  CHECK_NOTHROW(once([&](std::size_t, const interleave::Decision&) { return 0; }));
}

TEST_CASE("interleavings: a race of two and a cancellation") {
  const auto plan = plan_of([](Stream<int> s) { return race("r", s, plus_one, twice); });
  Seen outcomes{{"6 winner 0", "10 winner 1", "cancelled"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 2);
    auto engine = w.start(plan);
    auto h = engine.submit(5);
    w.run({[&] { h.cancel(); }});
    check(h.ready() && w.answers->count == 1, "not one outcome");
    outcomes(show(h.get()));
  });
}

// The timer that starts the second call, the first one's answer and what stops both.
TEST_CASE("interleavings: a hedge's timer and the answer of its call") {
  const auto plan = plan_of([](Stream<int> s) { return hedge("h", s, {"fixed", {{"delay_ms", 1}}}, plus_one, twice); });
  Seen outcomes{{"6 winner 0", "10 winner 1"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 2);
    auto engine = w.start(plan);
    auto h = engine.submit(5);
    w.run({});
    check(h.ready() && w.answers->count == 1, "not one outcome");
    outcomes(show(h.get()));
  });
}

TEST_CASE("interleavings: a hedge's timer and a cancellation") {
  const auto plan = plan_of([](Stream<int> s) { return hedge("h", s, {"fixed", {{"delay_ms", 1}}}, bang, twice); });
  Seen outcomes{{"stage_failed at h[0]: bang", "10 winner 1", "cancelled"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 1);
    auto engine = w.start(plan);
    auto h = engine.submit(5);
    w.run({[&] { h.cancel(); }});
    check(h.ready() && w.answers->count == 1, "not one outcome");
    outcomes(show(h.get()));
  });
}

TEST_CASE("interleavings: a deadline and an answer") {
  const auto plan = plan_of([](Stream<int> s) { return s.then("a", plus_one); });
  Seen outcomes{{"6", "deadline_missed"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 1);
    auto engine = w.start(plan);
    w.run({[&] { outcomes(show(engine.submit(5, {.within = 1ms}).get())); }});
    check(w.answers->count == 1, "not one outcome");
  });
}

TEST_CASE("interleavings: a caller with a deadline and the worker that answers it") {
  const auto plan = plan_of([](Stream<int> s) { return s.then("a", plus_one); });
  Seen outcomes{{"6", "deadline_missed"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 1);
    auto engine = w.start(plan);
    w.run({[&] {
      const auto o = engine.run(5, {.within = 1ms});
      outcomes(o ? show(*o) : show(o.error()));  // late or not
    }});
    check(w.answers->count == 1, "not one outcome");
  });
}

TEST_CASE("interleavings: a cascade's best answer at the deadline and the winner's") {
  const auto plan = plan_of([](Stream<int> s) { return cascade("k", s, exit_if(plus_one, never_so), twice); });
  Seen outcomes{{"6 rung 0 anytime", "10 rung 1", "deadline_missed"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 1);
    auto engine = w.start(plan);
    w.run({[&] { outcomes(show(engine.submit(5, {.within = 1ms}).get())); }});
    check(w.answers->count == 1, "not one outcome");
  });
}

// The timer of a cut-off, the end of the running rung and the deadline.
TEST_CASE("interleavings: a cascade's cut-off, its last rung and the deadline") {
  const auto plan = plan_of([](Stream<int> s) {
    return cascade("k", s, reserve(1ms), exit_if(plus_one, never_so), twice).then("b", plus_one);
  });
  Seen outcomes{{"7 rung 0 anytime", "11 rung 1", "deadline_missed"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 2);
    auto engine = w.start(plan);
    auto h = engine.submit(5, {.within = 2ms});
    w.run({});
    check(h.ready() && w.answers->count == 1, "not one outcome");
    outcomes(show(h.get()));
  });
}

TEST_CASE("interleavings: a cascade's cut-off, a rung that fails and a cancellation") {
  const auto plan = plan_of([](Stream<int> s) {
    return cascade("k", s, no_fallback, reserve(1ms), exit_if(plus_one, never_so), bang).then("b", twice);
  });
  Seen outcomes{{"12 rung 0 anytime", "stage_failed at k[1]: bang", "cancelled", "deadline_missed"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 1);
    auto engine = w.start(plan);
    auto h = engine.submit(5, {.within = 1h});
    w.run({[&] { h.cancel(); }});
    check(h.ready() && w.answers->count == 1, "not one outcome");
    outcomes(show(h.get()));
  });
}

// The timer of a cut-off, the end of the running stage, and a stage behind it that fails.
TEST_CASE("interleavings: a staged's cut-off, a stage that fails and a cancellation") {
  const auto plan = plan_of([](Stream<int> s) {
    using Step = AnytimeExit<int, int>;
    return staged(
               "n", s, reserve(1ms), [](int x) { return Step::go_on(x, x + 1); },
               [](int x) { return Step::go_on(x, x + 2); }, bang)
        .then("b", twice);
  });
  Seen outcomes{
      {"12 rung 0 anytime", "14 rung 1 anytime", "stage_failed at n[2]: bang", "cancelled", "deadline_missed"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 1);
    auto engine = w.start(plan);
    auto h = engine.submit(5, {.within = 1h});
    w.run({[&] { h.cancel(); }});
    check(h.ready() && w.answers->count == 1, "not one outcome");
    outcomes(show(h.get()));
  });
}

TEST_CASE("interleavings: a staged that answers, its last stage and the deadline") {
  const auto plan = plan_of([](Stream<int> s) {
    using Step = AnytimeExit<int, int>;
    return staged(
        "n", s, [](int x) { return Step::go_on(x, x + 1); }, twice);
  });
  Seen outcomes{{"6 rung 0 anytime", "10 rung 1", "deadline_missed"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 2);
    auto engine = w.start(plan);
    auto h = engine.submit(5, {.within = 1ms});
    w.run({});
    check(h.ready() && w.answers->count == 1, "not one outcome");
    outcomes(show(h.get()));
  });
}

TEST_CASE("interleavings: a forked join with a failure") {
  const auto plan = plan_of(
      [](Stream<int> s) {
        const auto add = [](int a, int b) { return a + b; };
        return join_with("j", add, s.then("a", bang), s.then("b", plus_one).then("c", twice));
      },
      true);
  Seen outcomes{{"stage_failed at a: bang"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 2);
    auto engine = w.start(plan);
    w.run({[&] { outcomes(show(engine.submit(5).get())); }});
    check(w.answers->count == 1, "not one outcome");
  });
}

TEST_CASE("interleavings: an each with a failure") {
  const auto plan = plan_of([](Stream<int> s) {
    const auto some = [](int n) { return std::vector<int>{1, n, 3}; };
    const auto fails = [](int x) { return x == 5 ? throw std::runtime_error("bang") : x; };
    return each("e", s.then("v", some), fails);
  });
  Seen outcomes{{"stage_failed at e[1]: bang", "[1 4 3]"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 2);
    auto engine = w.start(plan);
    w.run({[&] { outcomes(show(engine.submit(5).get())); }, [&] { outcomes(show(engine.submit(4).get())); }});
    check(w.answers->count == 2, "not one outcome each");
  });
}

// The timer of an element's hedge, which the one who cancels the request finds, and the end of the element's calls.
TEST_CASE("interleavings: the timer of an element's hedge and a cancellation") {
  const auto plan = plan_of([](Stream<int> s) {
    const auto one = [](int n) { return std::vector<int>{n}; };
    const auto element = flow<int>("element", [](Stream<int> x) {
      return hedge("h", x, {"fixed", {{"delay_ms", 1}}}, bang, twice);
    });
    return each("e", s.then("v", one), element);
  });
  Seen outcomes{{"stage_failed at e[0].h[0]: bang", "[10]", "cancelled"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 1);
    auto engine = w.start(plan);
    auto h = engine.submit(5);
    w.run({[&] { h.cancel(); }});
    check(h.ready() && w.answers->count == 1, "not one outcome");
    outcomes(show(h.get()));
  });
}

TEST_CASE("interleavings: stopping and submitting") {
  const auto plan = plan_of([](Stream<int> s) { return s.then("a", plus_one); });
  Seen outcomes{{"6", "shutting_down", "deadline_missed"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 1);
    auto engine = w.start(plan);
    w.run({[&] { outcomes(show(engine.submit(5, {.within = 1h}).get())); }, [&] { engine.stop(); }});
  });
}

TEST_CASE("interleavings: stopping and a caller's race") {
  const auto plan = plan_of([](Stream<int> s) { return race("r", s, plus_one, twice); });
  Seen outcomes{{"6 winner 0", "10 winner 1", "shutting_down"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 2);
    auto engine = w.start(plan);
    w.run({[&] { outcomes(show(engine.run(5))); }, [&] { engine.stop(); }});
  });
}

TEST_CASE("interleavings: destruction, an answer and a handle") {
  const auto plan = plan_of([](Stream<int> s) { return s.then("a", plus_one); });
  Seen outcomes{{"6", "shutting_down"}};
  explore_all(outcomes,
              [&](const auto& pick) {
                World w(pick, 1);
                std::optional<Engine<int, int>> engine(w.start(plan));
                auto h = engine->submit(5);
                w.run({[&] { outcomes(show(h.get())); }, [&] { engine.reset(); }});
                check(w.answers->count == 1, "not one outcome");
              },
              {.preemptions = 2, .executions = 1000, .random_walks = 200});  // polling has many orders
}

TEST_CASE("interleavings: a handle dropped while its answer comes") {
  const auto plan = plan_of([](Stream<int> s) { return race("r", s, plus_one, twice); });
  Seen outcomes{{"6 winner 0", "10 winner 1"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 2);
    auto engine = w.start(plan, {1, 1});
    std::optional<Handle<int>> h(engine.submit(5));
    w.run({[&] { h.reset(); }});
    check(w.answers->count == 1, "not one outcome");
    std::optional<Handle<int>> again(engine.submit(5));  // there is room: no place was lost, none was made twice
    check(show(engine.submit(5).get()) == "overloaded", "more requests than there are places");
    w.run({[&] { outcomes(show(again->get())); }});
  });
}

TEST_CASE("interleavings: a callback, a deadline and a worker") {
  const auto plan = plan_of([](Stream<int> s) { return s.then("a", plus_one); });
  Seen outcomes{{"6", "deadline_missed"}};
  explore_all(outcomes, [&](const auto& pick) {
    World w(pick, 2);
    auto engine = w.start(plan);
    int called = 0;
    w.run({[&] {
      (void)engine.submit(5, {.within = 1ms}, [&](Outcome<int> o) {
        ++called;
        outcomes(show(o));
      });
    }});
    check(called == 1 && w.answers->count == 1, "not one outcome, or not one call");
  });
}

TEST_CASE("interleavings: everything that the engine's threads share is an Atomic of core/atomic.h") {
  for (const char* folder : {"lib/engine", "include/tailrace/core", "include/tailrace/engine"})
    for (const auto& file : std::filesystem::directory_iterator(std::string(TEST_ROOT) + "/" + folder)) {
      std::ifstream in(file.path());
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      const std::string name = file.path().filename();
      INFO(file.path());
      // What executors look at is any 32-bit word.
      for (auto at = text.find("std::atomic<"); at != text.npos; at = text.find("std::atomic<", at + 1)) {
        const bool word = text.compare(at, 26, "std::atomic<std::uint32_t>") == 0;
        const bool shared = name != "atomic.h" && !(word && at >= 6 && text.compare(at - 6, 6, "const ") == 0);
        CHECK_FALSE(shared);
      }
    }
}
