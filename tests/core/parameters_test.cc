#include "tailrace/core/parameters.h"

#include <catch2/catch.hpp>

namespace tailrace {
namespace {

TEST_CASE("parameters are found by name and kind") {
  const Parameters given = {{"least", 0.8}, {"width", 0}, {"mode", "fast"}, {"on", true}};
  CHECK(given.number("least", 0.5) == 0.8);
  CHECK(given.number("width", 7) == 0);
  CHECK(given.number("on", 0) == 1);
  CHECK(given.text("mode", "slow") == "fast");
  CHECK(given.has("width"));
  CHECK_FALSE(given.has("height"));
}

TEST_CASE("what was not given, or is of the other kind, is the default") {
  const Parameters given = {{"least", 0.8}, {"mode", "3"}};
  CHECK(given.number("most", 0.5) == 0.5);
  CHECK(given.number("mode", 0.5) == 0.5);
  CHECK(given.text("least", "none") == "none");
  CHECK(Parameters().text("x", "none") == "none");
}

TEST_CASE("of two parameters with one name the first counts") {
  Parameters given = {{"least", 1}};
  given.add({"least", 2});
  CHECK(given.number("least", 0) == 1);
  CHECK(given.list().size() == 2);
}

TEST_CASE("names that a function does not know are listed in order") {
  const Parameters given = {{"lest", 1}, {"least", 1}, {"mots", "x"}};
  CHECK(given.unknown({"least", "most"}) == std::vector<std::string>{"lest", "mots"});
  CHECK(given.unknown({"least", "lest", "mots"}).empty());
  CHECK(Parameters().unknown({}).empty());
}

TEST_CASE("parameters compare by name, kind and value") {
  CHECK(Parameters{{"a", 1}} == Parameters{{"a", 1.0}});
  CHECK_FALSE(Parameters{{"a", 1}} == Parameters{{"a", 2}});
  CHECK_FALSE(Parameters{{"a", 0}} == Parameters{{"a", ""}});
  CHECK(Parameters().empty());
}

}  // namespace
}  // namespace tailrace
