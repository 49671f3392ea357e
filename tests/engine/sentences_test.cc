// docs/semantics.md and the tests belong together: every sentence of the page has a case, or a test that says so with a
// comment "checks: <name>", and every case names sentences that exist.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "support/cases.h"

namespace fs = std::filesystem;

namespace {

std::string contents(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

const fs::path tests = TEST_SOURCE_DIR;
const std::string page = contents(tests.parent_path() / "docs" / "semantics.md");
const std::regex marker("<!-- ([a-z]+: )?([a-z-]+) -->");

// The page's names, with how they are checked: "" by a case, "compiler: ", "rule: " or "later: ".
std::multimap<std::string, std::string> sentences() {
  std::multimap<std::string, std::string> all;
  for (std::sregex_iterator m(page.begin(), page.end(), marker), end; m != end; ++m) all.emplace((*m)[2], (*m)[1]);
  return all;
}

// Names that tests outside the table say they check.
std::set<std::string> checked_elsewhere() {
  std::set<std::string> names;
  const std::regex comment("// checks: ([a-z-]+(, [a-z-]+)*)"), word("[a-z-]+");
  for (const auto& file : fs::recursive_directory_iterator(tests)) {
    if (file.path().extension() != ".cc") continue;
    const std::string text = contents(file.path());
    for (std::sregex_iterator m(text.begin(), text.end(), comment), end; m != end; ++m) {
      const std::string list = (*m)[1];
      for (std::sregex_iterator w(list.begin(), list.end(), word); w != end; ++w) names.insert(w->str());
    }
  }
  return names;
}

}  // namespace

TEST_CASE("every sentence of docs/semantics.md has a name of its own") {
  std::set<std::string> seen;
  for (const auto& [name, how] : sentences()) {
    INFO(name);
    CHECK(seen.insert(name).second);
    CHECK((how == "" || how == "compiler: " || how == "rule: " || how == "later: "));
  }
  CHECK(seen.size() > 80);
}

TEST_CASE("every sentence of docs/semantics.md ends in its name") {
  const std::string body = page.substr(page.find("\n## Values"));
  const std::regex paragraph_end("\n\n|\n- ");
  const std::regex sentence_end("[a-z)`\"]\\. +[A-Z*`]");
  for (std::sregex_token_iterator p(body.begin(), body.end(), paragraph_end, -1), none; p != none; ++p) {
    std::string text = std::regex_replace(p->str(), std::regex("\\s+"), " ");
    const auto first = text.find_first_not_of(' ');
    if (first == text.npos || text[first] == '#' || text[first] == '|' ||
        text.rfind("These are decided", first) == first)
      continue;
    if (!text.empty() && text.back() == ' ') text.pop_back();
    INFO(text);
    CHECK(text.size() >= 3);
    CHECK(text.substr(text.size() - 3) == "-->");
    const std::string lead = std::regex_replace(text, std::regex("\\*\\*[a-z]+\\.\\*\\* "), "");
    CHECK_FALSE(std::regex_search(lead, sentence_end));  // two sentences and no name between them
  }
}

TEST_CASE("every sentence is checked, and every check names a sentence") {
  const auto all = sentences();
  std::set<std::string> checked = checked_elsewhere();
  for (const auto& c : tailrace::test::cases()) {
    INFO(c.name);
    CHECK_FALSE(c.sentences.empty());
    checked.insert(c.sentences.begin(), c.sentences.end());
  }
  for (const auto& [name, how] : all) {
    INFO("docs/semantics.md: " << how << name);
    CHECK((how == "") == (checked.count(name) == 1));
  }
  for (const auto& name : checked) {
    INFO("checked, but not a sentence: " << name);
    CHECK(all.count(name) == 1);
  }
}
