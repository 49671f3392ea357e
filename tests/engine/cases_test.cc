#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <exception>

#include "support/cases.h"
#include "support/check.h"

using namespace tailrace::test;

namespace {

std::vector<std::string> sorted(std::vector<std::string> v) {
  std::sort(v.begin(), v.end());
  v.erase(std::unique(v.begin(), v.end()), v.end());
  return v;
}

// What is wrong with a flow's case in one setting; empty: nothing.
std::string wrong_in(const Setting& setting, const Case& c, int rounds) {
  const auto running = c.start(setting);
  for (const auto& [in, outcomes] : c.expected)
    for (Way way : ways)
      for (int round = 0; round < rounds; ++round) {
        const std::string got = running->outcome(in, way);
        if (std::find(outcomes.begin(), outcomes.end(), got) == outcomes.end())
          return std::string(name(way)) + " of " + std::to_string(in) + " gave: " + got;
      }
  return "";
}

std::string wrong(const Setting& setting, const Case& c) {
  const Meanwhile lend(setting.meanwhile);
  try {
    if (c.start) return wrong_in(setting, c, 5);
    c.script(setting);
    return "";
  } catch (const std::exception& e) {
    return e.what();
  }
}

// Every case, or the one that TAILRACE_CASE names.
bool is_wanted(const Case& c) {
  const char* const only = std::getenv("TAILRACE_CASE");
  return !only || c.name == only;
}

}  // namespace

TEST_CASE("the reference gives exactly the outcomes of the table") {
  for (const Case& c : cases()) {
    if (!c.reference) continue;
    for (const auto& [in, outcomes] : c.expected) {
      INFO(c.name << ", " << in);
      CHECK(sorted(c.reference(in)) == sorted(outcomes));
    }
  }
}

TEST_CASE("the engine gives the outcomes of the table in every setting") {
  for (const Setting& setting : settings()) DYNAMIC_SECTION(setting.name) {
      for (const Case& c : cases()) {
        if (!why_not(setting, c.name).empty() || !is_wanted(c)) continue;
        INFO(c.name << " on " << setting.name);
        CHECK(wrong(setting, c) == "");
      }
    }
}

TEST_CASE("cases that a setting cannot run are known by name, and say why") {
  for (const auto& [name, why] : exceptions()) {
    INFO(name);
    CHECK(std::count_if(cases().begin(), cases().end(), [&, n = name](const Case& c) { return c.name == n; }) == 1);
    CHECK(why.size() > 20);
  }
}
