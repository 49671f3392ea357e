#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tailrace/core/problems.h"

namespace tailrace::detail {

// A place in a text, both counted from 1; columns count bytes.
struct Position {
  int line = 1;
  int column = 1;
};
std::string in_words(Position at);  // "7:12"

// A JSON value that knows where it stands.
struct JsonValue {
  enum class Kind { null, boolean, number, string, array, object };
  struct Member;

  Kind kind = Kind::null;
  bool truth = false;
  double number = 0;
  std::string text;
  std::vector<JsonValue> items;
  std::vector<Member> members;  // in the order of the text, names unique
  Position at;

  const Member* find(std::string_view name) const;
  bool is(Kind k) const { return kind == k; }
};
struct JsonValue::Member {
  std::string name;
  Position at;
  JsonValue value;
};
std::string_view in_words(JsonValue::Kind kind);  // "an object"

struct JsonBounds {
  std::size_t bytes = std::size_t{4} << 20;
  std::size_t depth = 64;
  std::size_t values = 400000;
};

// Reads one JSON document. The only problem that a malformed one gives says what was expected, and where. Text comes
// from anybody: what is not JSON, too deep or too large is refused.
Built<JsonValue> parse_json(std::string_view text, const JsonBounds& bounds = {});

}  // namespace tailrace::detail
