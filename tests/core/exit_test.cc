#include "tailrace/core/exit.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tailrace {
namespace {

using Box = std::unique_ptr<int>;

TEST_CASE("an Exit leaves or goes on, also where both types are one") {
  using Same = Exit<std::string, std::string>;
  const Same left = Same::leave("answer"), on = Same::go_on("carry");
  CHECK(left.leaves());
  CHECK_FALSE(left.goes_on());
  CHECK(left.answer() == "answer");
  CHECK(on.goes_on());
  CHECK_FALSE(on.leaves());
  CHECK(on.carry() == "carry");
}

TEST_CASE("an Exit of types that only move, and cannot be made empty") {
  struct Label {
    explicit Label(Box n) : number(std::move(n)) {}
    Box number;
  };
  using Step = Exit<Label, Box>;
  static_assert(!std::is_default_constructible_v<Step> && !std::is_copy_constructible_v<Step>);
  static_assert(std::is_nothrow_move_constructible_v<Step> && std::is_nothrow_move_assignable_v<Step>);
  Step step = Step::leave(Label(std::make_unique<int>(7)));
  Step moved = std::move(step);
  CHECK(*std::move(moved).answer().number == 7);
  moved = Step::go_on(std::make_unique<int>(8));
  CHECK(moved.goes_on());
  const Box carry = std::move(moved).carry();
  CHECK(*carry == 8);
}

TEST_CASE("an Exit can be copied where both of its types can") {
  static_assert(std::is_copy_constructible_v<Exit<int, std::string>>);
  static_assert(detail::copyable<Exit<int, std::string>>);
  static_assert(!detail::copyable<Exit<int, std::vector<Box>>>);  // which says that it can
  static_assert(std::is_trivially_destructible_v<Exit<int, double>>);
  CHECK(type_of<Exit<int, std::vector<Box>>>.copy == nullptr);
  CHECK(display_name(type_of<Exit<int, std::string>>) == "tailrace::Exit<int, std::string>");
}

TEST_CASE("an Exit is empty only where an assignment's move threw") {
  struct Fragile {
    Fragile() = default;
    Fragile(Fragile&& other) : armed(other.armed) {
      if (armed) throw 1;
    }
    Fragile& operator=(Fragile&&) = default;
    bool armed = false;
  };
  using Step = Exit<int, Fragile>;
  Step step = Step::leave(1), other = Step::go_on({});
  other.carry().armed = true;
  CHECK_THROWS(step = std::move(other));
  CHECK_FALSE(step.goes_on());
}

TEST_CASE("an AnytimeExit leaves, goes on, or goes on with an answer") {
  using Step = AnytimeExit<std::string, std::unique_ptr<int>>;
  Step left = Step::leave("label"), on = Step::go_on(std::make_unique<int>(7)),
       both = Step::go_on(std::make_unique<int>(8), "so far");
  CHECK((left.leaves() && !left.goes_on() && left.has_answer()));
  CHECK((!on.leaves() && on.goes_on() && !on.has_answer()));
  CHECK((!both.leaves() && both.goes_on() && both.has_answer()));
  CHECK(left.answer() == "label");
  CHECK(*on.carry() == 7);
  CHECK(std::as_const(both).answer() == "so far");
  CHECK(*std::as_const(both).carry() == 8);
  Step moved = std::move(both);
  const std::string answer = std::move(moved).answer();
  CHECK((answer == "so far" && *std::move(moved).carry() == 8));
  CHECK(is_exit<Step>);
  CHECK((is_anytime_exit<Step> && !is_anytime_exit<Exit<int, int>>));
  CHECK_FALSE(detail::copyable<Step>);
  CHECK((detail::copyable<AnytimeExit<int, std::string>>));
}

}  // namespace
}  // namespace tailrace
