#include "tailrace/core/error.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

namespace tailrace {
namespace {

constexpr Code all_codes[] = {
    Code::none,           Code::stage_failed, Code::all_arms_failed, Code::bad_selection, Code::deadline_missed,
    Code::cancelled,      Code::overloaded,   Code::would_miss,      Code::superseded,    Code::shutting_down,
    Code::out_of_memory,  Code::no_quorum,    Code::invalid_flow,    Code::unknown_name,  Code::type_mismatch,
    Code::shape_mismatch, Code::bad_file,     Code::bad_value,       Code::unsupported,   Code::internal_error};

TEST_CASE("every code has a name and a meaning of its own") {
  std::set<std::string_view> names, meanings;
  for (Code code : all_codes) {
    names.insert(name(code));
    meanings.insert(meaning(code));
    CHECK(meaning(code).find('\n') == std::string_view::npos);
  }
  CHECK(names.size() == std::size(all_codes));
  CHECK(meanings.size() == std::size(all_codes));
  CHECK(names.count("unknown_code") == 0);
  CHECK(name(Code::deadline_missed) == "deadline_missed");
}

TEST_CASE("numbers without a code are named too, and no code is missing from the list above") {
  std::size_t known = 0;
  for (int number = 0; number < 256; ++number) {
    const auto code = static_cast<Code>(number);
    known += name(code) != "unknown_code";
    CHECK_FALSE(meaning(code).empty());
  }
  CHECK(known == std::size(all_codes));
}

TEST_CASE("the numbers of codes never change") {
  CHECK(static_cast<int>(Code::deadline_missed) == 4);
  CHECK(static_cast<int>(Code::out_of_memory) == 10);
  CHECK(static_cast<int>(Code::invalid_flow) == 20);
  CHECK(static_cast<int>(Code::unsupported) == 26);
  CHECK(static_cast<int>(Code::internal_error) == 99);
}

TEST_CASE("an error keeps what it is told") {
  const Error error(Code::stage_failed, "label[1].softmax", "no scores");
  CHECK(error.code() == Code::stage_failed);
  CHECK(error.where() == "label[1].softmax");
  CHECK(error.what() == "no scores");
  CHECK(describe(error) == "label[1].softmax: no scores");

  const Error placeless(Code::cancelled, "stopped");
  CHECK(placeless.where().empty());
  CHECK(describe(placeless) == "stopped");
  CHECK(Error().code() == Code::internal_error);
  CHECK(Error().what().empty());
}

TEST_CASE("text that just fits is whole, longer text ends in dots") {
  const std::string what(Error::what_capacity, 'w'), where(Error::where_capacity, 'p');
  const Error whole(Code::bad_file, where, what);
  CHECK(whole.where() == where);
  CHECK(whole.what() == what);

  const Error cut(Code::bad_file, where + "p", what + "w");
  CHECK(cut.where() == where.substr(3) + "...");
  CHECK(cut.what() == what.substr(3) + "...");
}

TEST_CASE("text is cut between characters, not inside one") {
  // Two, three and four bytes a character, at every offset.
  for (std::string character : {"\u00e9", "\u20ac", "\U0001F600"})
    for (std::size_t offset = 0; offset < 4; ++offset) {
      std::string text(offset, 'x');
      while (text.size() <= Error::what_capacity) text += character;
      const Error error(Code::bad_value, text);
      REQUIRE(error.what().ends_with("..."));
      const auto kept = error.what().size() - 3;
      CHECK((kept - offset) % character.size() == 0);
      CHECK(kept + character.size() > Error::what_capacity - 3);
      CHECK(text.starts_with(error.what().substr(0, kept)));
    }
}

TEST_CASE("bytes that are no UTF-8 at all are cut as well") {
  CHECK(Error(Code::bad_value, std::string(1000, '\x80')).what() == "...");
}

}  // namespace
}  // namespace tailrace
