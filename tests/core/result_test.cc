#include "tailrace/core/result.h"

#include <catch2/catch.hpp>
#include <memory>
#include <stdexcept>
#include <string>

#include "tailrace/core/outcome.h"
#include "tailrace/core/problems.h"

namespace tailrace {
namespace {

// Counts its living objects and throws when moved while `armed`.
struct Fragile {
  static inline int alive = 0;
  static inline bool armed = false;
  int value;
  explicit Fragile(int v) : value(v) { ++alive; }
  Fragile(const Fragile& other) : value(other.value) { ++alive; }
  Fragile(Fragile&& other) : value(other.value) {
    if (armed) throw std::runtime_error("moved");
    ++alive;
  }
  ~Fragile() { --alive; }
};

const Error oops(Code::bad_value, "here", "oops");

TEST_CASE("a result holds a value or an error") {
  Result<std::string> good = std::string("text"), bad = oops;
  REQUIRE(good);
  CHECK(*good == "text");
  CHECK(good->size() == 4);
  REQUIRE_FALSE(bad);
  CHECK(bad.error().what() == "oops");
  CHECK_FALSE(bad.has_value());
}

TEST_CASE("copies of a result are independent") {
  Result<std::string> one = std::string("one");
  Result<std::string> two = one;
  *two = "two";
  CHECK(*one == "one");
  Result<std::string> bad = oops;
  Result<std::string> other = bad;
  CHECK(other.error().where() == "here");
}

TEST_CASE("assignment goes between values and errors, both ways") {
  Result<std::string> r = std::string(100, 'a');
  r = oops;
  REQUIRE_FALSE(r);
  CHECK(r.error().what() == "oops");
  r = std::string(100, 'b');
  REQUIRE(r);
  CHECK(*r == std::string(100, 'b'));
}

TEST_CASE("a result may be assigned to itself") {
  Result<std::string> r = std::string(100, 'a');
  auto& same = r;
  r = same;
  CHECK(*r == std::string(100, 'a'));
  r = oops;
  r = same;
  CHECK(r.error().what() == "oops");
}

TEST_CASE("move-only values go in and out") {
  Result<std::unique_ptr<int>> r = std::make_unique<int>(7);
  static_assert(!std::is_copy_constructible_v<decltype(r)>);
  static_assert(std::is_nothrow_move_constructible_v<decltype(r)>);
  static_assert(std::is_nothrow_move_assignable_v<decltype(r)>);
  auto moved = std::move(r);
  CHECK(*r == nullptr);
  CHECK(*std::move(moved).value() == 7);
  r = std::make_unique<int>(8);
  CHECK(*std::move(r).value_or(nullptr) == 8);
  r = oops;
  CHECK(std::move(r).value_or(nullptr) == nullptr);
}

TEST_CASE("a move that throws inside an assignment leaves an error and destroys everything once") {
  static_assert(!std::is_nothrow_move_constructible_v<Result<Fragile>>);
  {
    Result<Fragile> to = Fragile(1), from = Fragile(2);
    Fragile::armed = true;
    CHECK_THROWS_AS(to = from, std::runtime_error);
    Fragile::armed = false;
    REQUIRE_FALSE(to);
    CHECK(to.error().code() == Code::internal_error);
    CHECK(from->value == 2);
    CHECK(Fragile::alive == 1);
    to = from;
    CHECK(to->value == 2);
  }
  CHECK(Fragile::alive == 0);
}

TEST_CASE("value() throws what is wrong") {
  Result<int> good = 3, bad = oops;
  CHECK(good.value() == 3);
  CHECK_THROWS_AS(bad.value(), BadResult);
  CHECK_THROWS_WITH(bad.value(), "here: oops");
  CHECK_THROWS_WITH(std::as_const(bad).value(), "here: oops");
  CHECK_THROWS_WITH(Result<int>(Error(Code::bad_file, "nowhere")).value(), "nowhere");
}

TEST_CASE("a built thing's value() throws each problem once") {
  Problems problems(Code::invalid_flow, "a", "is odd");
  problems.add(Code::unknown_name, "b", "is unknown");
  Built<int> built = problems;
  CHECK_THROWS_WITH(built.value(), "a: is odd\nb: is unknown");
  CHECK_THROWS_WITH(Built<int>(Problems()).value(), "");
}

TEST_CASE("value_or gives the value or something else") {
  const Result<int> good = 3, bad = oops;
  CHECK(good.value_or(5) == 3);
  CHECK(bad.value_or(5) == 5);
  CHECK(Result<std::string>(oops).value_or("none") == "none");
}

TEST_CASE("a status is success or a reason") {
  Status good, bad = oops;
  CHECK(good);
  CHECK_NOTHROW(good.value());
  REQUIRE_FALSE(bad);
  CHECK(bad.error().where() == "here");
  CHECK_THROWS_WITH(bad.value(), "here: oops");
  good = bad;
  CHECK_FALSE(good.has_value());
}

TEST_CASE("is_result knows results from other types") {
  CHECK(is_result<Result<int>>);
  CHECK_FALSE(is_result<int>);
}

TEST_CASE("an outcome is a result with facts") {
  Outcome<std::string> outcome(std::string("seven"), {.rung = 1, .anytime = true});
  REQUIRE(outcome);
  CHECK(outcome.rung == 1);
  CHECK(outcome.winner == -1);
  CHECK(outcome.anytime);
  outcome = Outcome<std::string>(oops);
  CHECK(outcome.error().what() == "oops");
  CHECK(outcome.rung == -1);

  Outcome<std::unique_ptr<int>> owner(std::make_unique<int>(1));
  auto moved = std::move(owner);
  CHECK(**moved == 1);
}

}  // namespace
}  // namespace tailrace
