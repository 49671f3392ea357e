#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "support/values.h"
#include "tailrace/plan/handles.h"

// Flows made from a list of numbers: any list gives a sound flow, and a shorter or smaller one a simpler flow, so that
// RapidCheck can shrink what fails. All combinators occur, stages of all forms, and failures of all kinds, which depend
// on the value that a stage sees.
namespace tailrace::test {

// Text that knows how many of its kind exist.
class Token {
 public:
  explicit Token(std::string text) : text_(std::move(text)) { ++alive_; }
  Token(const Token& other) : Token(other.text_) {}
  Token(Token&& other) noexcept : text_(std::move(other.text_)) { ++alive_; }
  Token& operator=(const Token&) = default;
  Token& operator=(Token&&) noexcept = default;
  ~Token() { --alive_; }
  const std::string& text() const noexcept { return text_; }
  // Like any code of a user's, it may throw.
  bool operator==(const Token& other) const {
    if (text_ == "c" && other.text_ == "b") throw 1;
    return text_ == other.text_;
  }
  static long alive() noexcept { return alive_; }

 private:
  std::string text_;
  inline static std::atomic<long> alive_{0};
};
inline std::string show(const Token& t) { return t.text(); }

using Genes = std::vector<std::uint8_t>;
std::string in_words(const Genes& genes);
Flow<Token, Token> random_flow(const Genes& genes);

}  // namespace tailrace::test
