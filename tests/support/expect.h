#pragma once
#include <string>

#include "support/check.h"
#include "support/values.h"

// What a case expects of an outcome: its code, or all of it in words.
namespace tailrace::test {

inline Code code_of(const auto& outcome) { return outcome ? Code::none : outcome.error().code(); }
inline void expect(const auto& outcome, Code code, int line = __builtin_LINE(), const char* file = __builtin_FILE()) {
  check(code_of(outcome) == code, "expected " + std::string(name(code)) + ", got " + show(outcome), line, file);
}
template <class T>
void expect(const Outcome<T>& outcome, const std::string& words, int line = __builtin_LINE(),
            const char* file = __builtin_FILE()) {
  check(show(outcome) == words, "expected " + words + ", got " + show(outcome), line, file);
}

}  // namespace tailrace::test
