#pragma once
#include <optional>
#include <string>
#include <vector>

#include "plan/json_text.h"

namespace tailrace::detail {

// Reads plain data member by member, and gives up at the first mistake: everything after it does nothing. A member that
// is left out keeps the value that stands there.
class JsonFields {
 public:
  void refuse(Position at, std::string what);
  bool expect(const JsonValue& value, JsonValue::Kind kind, const std::string& what);
  // Whether it is an object with none but these members.
  bool object(const JsonValue& value, const std::string& what, const std::vector<std::string>& known);
  // Null where there is none, and after a mistake.
  const JsonValue* member(const JsonValue& value, const char* key) const;
  // Texts of 16000 bytes at most.
  void text(const JsonValue& value, const char* key, std::string& to);
  // From 0 to `most`.
  void number(const JsonValue& value, const char* key, double most, bool whole, double& to);
  template <class Whole>
  void count(const JsonValue& value, const char* key, double most, Whole& to) {
    double n = static_cast<double>(to);
    number(value, key, most, true, n);
    to = static_cast<Whole>(n);
  }
  void flag(const JsonValue& value, const char* key, bool& to);
  // The items of a list of `most` at most; null where it is left out, and after a mistake.
  const std::vector<JsonValue>* list(const JsonValue& value, const char* key, std::size_t most);

  bool failed() const noexcept { return problem_.has_value(); }
  // REQUIRES: failed()
  Problems problem() && { return *std::move(problem_); }

 private:
  std::optional<Problems> problem_;
};

// 2^53: beyond it doubles skip numbers.
inline constexpr double most_counted = 9007199254740992.;
inline constexpr double longest_time = 1e9;  // in seconds

}  // namespace tailrace::detail
