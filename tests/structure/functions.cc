#include <algorithm>
#include <cctype>
#include <regex>
#include <tuple>

#include "rules.h"

namespace structure {
namespace {

// Replaces [from, to) by spaces, keeping the line ends.
void blank(std::string& text, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to && i < text.size(); ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The position after `mark`, searched from `from`; the end of the text when it is not there.
std::size_t after(const std::string& text, const std::string& mark, std::size_t from) {
  const auto at = text.find(mark, from);
  return at == std::string::npos ? text.size() : at + mark.size();
}

std::size_t end_of_quoted(const std::string& text, std::size_t open) {
  const char quote = text[open];
  std::size_t i = open + 1;
  while (i < text.size() && text[i] != quote && text[i] != '\n') i += text[i] == '\\' ? 2 : 1;
  return i + 1;
}

std::size_t end_of_raw_string(const std::string& text, std::size_t open_quote) {
  const auto paren = text.find('(', open_quote);
  if (paren == std::string::npos) return text.size();
  return after(text, ")" + text.substr(open_quote + 1, paren - open_quote - 1) + "\"", paren);
}

std::size_t end_of_directive(const std::string& text, std::size_t hash) {
  std::size_t i = hash;
  while (i < text.size() && text[i] != '\n') i += text[i] == '\\' ? 2 : 1;
  return i;
}

bool starts_line(const std::string& text, std::size_t at) {
  while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t')) --at;
  return at == 0 || text[at - 1] == '\n';
}

// Where the comment, literal or directive that begins at `i` ends; `i` itself when none does.
std::size_t end_of_noise(const std::string& text, std::size_t i) {
  if (text.compare(i, 2, "//") == 0) return std::min(text.find('\n', i), text.size());
  if (text.compare(i, 2, "/*") == 0) return after(text, "*/", i + 2);
  if (text[i] == '#' && starts_line(text, i)) return end_of_directive(text, i);
  if (text[i] == '"') return i > 0 && text[i - 1] == 'R' ? end_of_raw_string(text, i) : end_of_quoted(text, i);
  if (text[i] == '\'' && (i == 0 || !is_word(text[i - 1]))) return end_of_quoted(text, i);  // not a digit separator
  return i;
}

enum class Scope { open, body, other };  // open: functions may stand in it (a namespace, a class)

bool is_type(const std::string& head) {
  static const std::regex words(R"(^\s*(typedef\s+)?(class|struct|union|enum)\b)");
  return std::regex_search(head, words);
}

// Without parentheses that open no list of parameters: "alignas(8)" leaves "8)".
std::string without_operators(const std::string& head) {
  static const std::regex operators(R"(\b(alignas|decltype|__attribute__|requires|noexcept|sizeof)\s*\()");
  return std::regex_replace(head, operators, " ");
}

// What a brace opens, by the text before it since the last ';', '{' or '}'.
Scope scope_of(const std::string& full_head) {
  static const std::regex open_words(R"((^|\s)(namespace\b|extern\s*$))");
  static const std::regex bases(R"([^:]:[^:].*)");
  static const std::regex initialiser(R"(=\s*$)");
  if (std::regex_search(full_head, open_words)) return Scope::open;
  std::string head = without_operators(full_head);
  if (is_type(head)) head = std::regex_replace(head, bases, "");
  if (head.find('(') != std::string::npos) return std::regex_search(head, initialiser) ? Scope::other : Scope::body;
  return is_type(head) ? Scope::open : Scope::other;
}

// Without a leading "template <...>".
std::string without_template(std::string head) {
  static const std::regex leading(R"(^\s*template\s*<)");
  std::smatch found;
  while (std::regex_search(head, found, leading)) {
    std::size_t i = static_cast<std::size_t>(found.length());
    for (int depth = 1; i < head.size() && depth > 0; ++i) depth += head[i] == '<' ? 1 : head[i] == '>' ? -1 : 0;
    head.erase(0, i);
  }
  static const std::regex label(R"(^\s*(public|protected|private)\s*:)");
  return std::regex_replace(head, label, "");
}

// True where the brace belongs to a constructor's list of members, as in "A() : x_{": not to its body.
bool is_member_initialiser(const std::string& head) {
  static const std::regex members(R"(\)[^;]*[^:]:[^:].*[\w>]\s*$)");
  return !is_type(head) && std::regex_search(head, members);
}

std::string name_of(const std::string& full_head) {
  static const std::regex name(R"(((?:operator\s*[^\s\w(]+|[~\w:]+))\s*\()");
  const std::string head = without_operators(full_head);
  std::smatch found;
  return std::regex_search(head, found, name) ? found[1].str() : "(unnamed)";
}

// Walks over the code once, keeping a stack of what each open brace opened.
class Reader {
 public:
  std::vector<Function> read(const std::string& code) {
    for (const char c : code) step(c);
    return std::move(found_);
  }

 private:
  void step(char c) {
    if (c == '\n') ++line_;
    if (c == '(') ++parens_;
    if (c == ')') --parens_;
    if (c == '{') return open();
    if (c == '}') return close();
    if (c == ';' && parens_ == 0) head_.clear();
    else if (head_.size() < 4000) head_ += c == '\n' ? ' ' : c;
  }

  void open() {
    const bool outside = scopes_.empty() || scopes_.back() == Scope::open;
    head_ = without_template(head_);
    const bool member = outside && is_member_initialiser(head_);
    const Scope scope = outside && parens_ == 0 && !member ? scope_of(head_) : Scope::other;
    if (scope == Scope::body) found_.push_back({name_of(head_), line_, 0});
    scopes_.push_back(scope);
    outer_.push_back({parens_, member ? head_ + "{}" : ""});
    parens_ = 0;
    head_.clear();
  }

  void close() {
    if (scopes_.empty()) return;
    if (scopes_.back() == Scope::body) found_.back().lines = line_ - found_.back().first_line + 1;
    scopes_.pop_back();
    std::tie(parens_, head_) = std::move(outer_.back());
    outer_.pop_back();
  }

  std::vector<Function> found_;
  std::vector<Scope> scopes_;
  std::vector<std::tuple<int, std::string>> outer_;  // open parentheses and head outside each open brace
  std::string head_;
  int parens_ = 0;
  int line_ = 1;
};

}  // namespace

std::string code_only(std::string_view text) {
  std::string code(text);
  const std::string original = code;
  for (std::size_t i = 0; i < original.size();) {
    const auto end = end_of_noise(original, i);
    blank(code, i, end);
    i = end == i ? i + 1 : end;
  }
  return code;
}

std::vector<Function> functions_in(std::string_view text) { return Reader().read(code_only(text)); }

}  // namespace structure
