#include "tailrace/core/problems.h"

#include <catch2/catch.hpp>

namespace tailrace {
namespace {

TEST_CASE("problems are listed in order, one line each") {
  Problems problems;
  CHECK(problems.empty());
  CHECK(problems.what().empty());
  problems.add(Code::unknown_name, "label", "no function 'bset'");
  problems.add(Code::bad_value, "", "what has no place stands alone");
  CHECK(problems.size() == 2);
  CHECK(problems.code() == Code::unknown_name);
  CHECK(problems.where() == "label");
  CHECK(problems.what() == "label: no function 'bset'\nwhat has no place stands alone");
}

TEST_CASE("problems can be added to others") {
  Problems one(Code::invalid_flow, "a", "1"), two(Code::bad_file, "b", "2");
  two.add(Code::bad_file, "c", "3");
  one.add(std::move(two));
  REQUIRE(one.size() == 3);
  CHECK(one.list()[2].where == "c");
  CHECK(one.code() == Code::invalid_flow);
  one.add(Problems());
  CHECK(one.size() == 3);
}

TEST_CASE("no problem at all has no place") {
  CHECK(Problems().code() == Code::internal_error);
  CHECK(Problems().where().empty());
}

TEST_CASE("a hint names what is near") {
  const std::vector<std::string> known = {"normalise", "best", "softmax"};
  CHECK(nearest_hint("normalize", known) == " (did you mean 'normalise'?)");
  CHECK(nearest_hint("nromalise", known) == " (did you mean 'normalise'?)");
  CHECK(nearest_hint("btse", known).empty());  // two edits of four
  CHECK(nearest_hint("bst", known) == " (did you mean 'best'?)");
  CHECK(nearest_hint("soft_max", known) == " (did you mean 'softmax'?)");
}

TEST_CASE("a hint is near up to a third of the longer name, or one character") {
  CHECK(nearest_hint("abcdef", {"abcdxy"}) == " (did you mean 'abcdxy'?)");
  CHECK(nearest_hint("abcdef", {"abcxyz"}).empty());
  CHECK(nearest_hint("a", {"b"}) == " (did you mean 'b'?)");
  CHECK(nearest_hint("abcdef", {"abcdefgh"}) == " (did you mean 'abcdefgh'?)");
  CHECK(nearest_hint("abcdefgh", {"abcdef"}) == " (did you mean 'abcdef'?)");
  CHECK(nearest_hint("abcdef", {"abcdefghij"}).empty());
}

TEST_CASE("neighbours in the wrong order are one edit") {
  CHECK(nearest_hint("fues", {"fuse"}) == " (did you mean 'fuse'?)");
  CHECK(nearest_hint("bets", {"best"}) == " (did you mean 'best'?)");
  CHECK(nearest_hint("ab", {"ba"}) == " (did you mean 'ba'?)");
  CHECK(nearest_hint("ufes", {"fuse"}).empty());  // two of them in four characters
  CHECK(nearest_hint("ca", {"abc"}).empty());     // what has been swapped is not edited again
  CHECK(nearest_hint("resize", {"rseiez", "reszie"}) == " (did you mean 'reszie'?)");
}

TEST_CASE("of several near names the nearest is taken, of equals the first") {
  CHECK(nearest_hint("resize", {"resized_", "resizes", "resized"}) == " (did you mean 'resizes'?)");
}

TEST_CASE("nothing is near nothing") {
  CHECK(nearest_hint("", {"a", "b"}).empty());
  CHECK(nearest_hint("a", {}).empty());
  CHECK(nearest_hint("a", {""}).empty());
}

}  // namespace
}  // namespace tailrace
