#include "tailrace/model/registry.h"

#include <catch2/catch.hpp>

namespace tailrace {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a registry keeps models and variants in the order they came") {
  Registry models;
  models.add("digit", {.name = "tiny", .accuracy = 0.9});
  models.add("face", {.name = "only"});
  models.add("digit", {.name = "large", .accuracy = 0.98, .latency = 5ms});
  CHECK(models.names() == std::vector<std::string>{"digit", "face"});
  const auto& digit = models.variants("digit");
  REQUIRE(digit.size() == 2);
  CHECK(digit[0].name == "tiny");
  CHECK(digit[1].name == "large");
  CHECK(digit[1].latency == 5ms);
  CHECK(models.variants("face").size() == 1);
}

TEST_CASE("a variant of the same model and name is replaced where it stands") {
  Registry models;
  models.add("digit", {.name = "tiny", .accuracy = 0.5});
  models.add("digit", {.name = "large"});
  models.add("digit", {.name = "tiny", .accuracy = 0.9});
  models.add("face", {.name = "tiny", .accuracy = 0.1});
  REQUIRE(models.variants("digit").size() == 2);
  CHECK(models.variants("digit")[0].name == "tiny");
  CHECK(models.variants("digit")[0].accuracy == 0.9);
  CHECK(models.variants("face")[0].accuracy == 0.1);
}

TEST_CASE("an unknown model has no variants") {
  const Registry models;
  CHECK(models.variants("digit").empty());
  CHECK(models.names().empty());
}

TEST_CASE("copies of a registry are independent") {
  Registry one;
  one.add("digit", {.name = "tiny"});
  Registry two = one;
  two.add("digit", {.name = "large"});
  CHECK(one.variants("digit").size() == 1);
  CHECK(two.variants("digit").size() == 2);
}

}  // namespace
}  // namespace tailrace
