// The cut-off of cascades: what the plan says of it, what it takes from the heap and the frame, and who is told.
// checks: cut-off-plan
#include <catch2/catch.hpp>

#include "support/check.h"
#include "support/steps.h"
#include "tailrace/opt/optimise.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

auto flow_with(std::optional<Duration> by_hand) {
  return from_int([&](Stream<int> s) {
    const auto rung = exit_if(plus_one, never_so);
    return (by_hand ? cascade("k", s, reserve(*by_hand), rung, twice) : cascade("k", s, rung, twice)).then("b", twice);
  });
}
Engine<int, int> engine_with(std::optional<Duration> by_hand, std::vector<Duration> chosen) {
  auto plan = optimise(flow_with(by_hand)).value();
  PlanData data = plan.data();
  data.choices.root.reserve = std::move(chosen);
  return std::move(tailrace::start(decltype(plan)(std::move(data)), {.threads = 2})).value();
}
std::string outcome(Engine<int, int> engine) { return show(engine.submit(1, {.within = 1h}).get()); }

}  // namespace

TEST_CASE("cut-off: what the flow says goes before what the plan says") {
  const std::string cut = "4 rung 0 anytime", whole = "4 rung 1";
  CHECK(outcome(engine_with({}, {})) == whole);
  CHECK(outcome(engine_with({}, {-1ns, 2h, -1ns})) == cut);
  CHECK(outcome(engine_with({}, {-1ns, -1ns, -1ns})) == whole);
  CHECK(outcome(engine_with(2h, {})) == cut);
  CHECK(outcome(engine_with(2h, {-1ns, 0ns, -1ns})) == cut);
  CHECK(outcome(engine_with(0ns, {-1ns, 2h, -1ns})) == whole);
}

TEST_CASE("cut-off: a plan with one elsewhere is refused") {
  auto plan = optimise(flow_with({})).value();
  for (const std::vector<Duration>& wrong : {std::vector<Duration>{-1ns, -1ns, 1ns}, {1ns}}) {
    PlanData data = plan.data();
    data.choices.root.reserve = wrong;
    CHECK_FALSE(tailrace::start(decltype(plan)(std::move(data)), {.threads = 1}));
  }
  const auto negative = tailrace::start(flow_with(-1ns), {.threads = 1});
  REQUIRE_FALSE(negative);
  CHECK(negative.error().what().find("k: reserves a negative time") != std::string::npos);
}

TEST_CASE("cut-off: frames grow only for cascades that have one") {
  const auto bytes = [](std::optional<Duration> by_hand) { return engine_with(by_hand, {}).figures().frame_bytes; };
  CHECK(bytes({}) < bytes(1ms));
  CHECK(bytes(1ms) - bytes({}) <= 192);
}

TEST_CASE("cut-off: the observer hears which rung was left") {
  struct Hears final : Observer {
    void on_event(const Event& e) noexcept override {
      left += e.kind == Event::Kind::rung_left ? int(e.arm) + 1 : 0;
      answered += e.kind == Event::Kind::answered;
    }
    std::atomic<int> left{0}, answered{0};
  };
  const auto hears = std::make_shared<Hears>();
  Gate gate;
  auto engine =
      std::move(tailrace::start(
                    from_int([&](Stream<int> s) {
                      const auto slow = [&](int x) { return gate.pass(), x; };
                      return cascade("k", s, reserve(1h - 1ms), exit_if(plus_one, never_so), slow).then("b", twice);
                    }),
                    {.threads = 2, .observer = hears}))
          .value();
  Opens opens{gate};
  CHECK(show(engine.submit(1, {.within = 1h}).get()) == "4 rung 0 anytime");
  CHECK(hears->left == 1);
  CHECK(hears->answered == 1);
}
