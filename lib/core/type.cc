#include "tailrace/core/type.h"

#include <algorithm>
#include <array>
#include <vector>

namespace tailrace {

namespace {

using detail::in_word;
using std::string_view;

bool any_of(std::initializer_list<string_view> list, string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// The language's own spelling of an arithmetic type from words in any order, such as "long unsigned int".
std::string arithmetic(const std::vector<string_view>& words) {
  const auto has = [&](string_view word) { return std::count(words.begin(), words.end(), word); };
  std::string text = has("unsigned") ? "unsigned " : has("signed") && has("char") ? "signed " : "";
  for (auto whole : {"char", "short", "__int128"})
    if (has(whole)) return text + whole;
  for (auto n = has("long"); n > 0; --n) text += n > 1 ? "long " : "long";
  if (has("double")) return text + (text.empty() ? "double" : " double");
  return has("long") ? text : text + "int";
}

// How many arguments a standard template, or one of ours, has without those that have a default; 0 for other templates.
std::size_t needed_arguments(string_view name) {
  if (any_of({"std::map", "std::multimap", "std::unordered_map", "std::unordered_multimap"}, name)) return 2;
  return any_of({"std::vector", "std::deque", "std::list", "std::forward_list", "std::set", "std::multiset",
                 "std::unordered_set", "std::unordered_multiset", "std::unique_ptr", "std::span", "std::basic_string",
                 "std::basic_string_view", "tailrace::Result"},
                name);
}

bool is_default(const std::vector<std::string>& arguments) {
  const std::string& last = arguments.back();
  for (auto of : {"allocator", "char_traits", "default_delete", "less", "hash", "equal_to"})
    if (last == std::string("std::") + of + "<" + arguments[0] + ">") return true;
  if (last == "std::allocator<std::pair<const " + arguments[0] + ", " + arguments[1] + ">>") return true;
  if (last == "tailrace::Error") return true;             // g++ spells it out where Result is specialised
  return last == "18446744073709551615" || last == "-1";  // a span's extent, when it is dynamic
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ", ") + item;
  return text;
}

// Reads a type's name as a compiler spells it, by recursive descent, and spells it in one way.
class Speller {
 public:
  explicit Speller(string_view spelled) : in_(spelled) {}

  std::string all() {
    std::string text = type();
    while (at_ < in_.size()) text += in_[at_++], text += type();  // a bracket without its partner stays as it is
    return text;
  }

 private:
  // Up to a comma or a closing bracket.
  std::string type() {
    std::string out;
    while (at_ < in_.size() && string_view(",>)").find(in_[at_]) == string_view::npos) part(out);
    return out;
  }

  void part(std::string& out) {
    if (skip("{anonymous}::") || skip("(anonymous namespace)::") || skip(" ")) return;
    if (skip("::")) return scope(out);
    for (string_view nameless : {"lambda", "unnamed", "anonymous"})
      if (ahead("(" + std::string(nameless)) || ahead("<" + std::string(nameless))) return placeholder(out, nameless);
    if (in_word(in_[at_])) return word(out);
    if (skip("<")) return arguments(out);
    if (skip("(")) return brackets(out);
    if (in_[at_] == '\'') return literal(out);
    out += in_[at_++];
  }

  // What stands before "::" is dropped where it is a function: "main()::Local", "f(int) [with T = int]::Local".
  void scope(std::string& out) {
    const bool function = out.ends_with(')') || out.ends_with(']') || out.ends_with(") const");
    if (function) out.clear();
    else out += "::";
  }

  // A type without a name: "<lambda(int)>", "(unnamed struct at file.cc:3:5)".
  void placeholder(std::string& out, string_view name) {
    ++at_;
    for (int depth = 1; at_ < in_.size() && depth > 0; ++at_) {
      if (string_view("<(").find(in_[at_]) != string_view::npos) ++depth;
      if (string_view(">)").find(in_[at_]) != string_view::npos) --depth;
    }
    out += name;
  }

  string_view take_word() {
    const std::size_t from = at_;
    while (at_ < in_.size() && in_word(in_[at_])) ++at_;
    return in_.substr(from, at_ - from);
  }

  void word(std::string& out) {
    string_view w = take_word();
    if (any_of({"class", "struct", "union", "enum", "typename"}, w)) return;
    if (any_of({"__cxx11", "_V2"}, w) && skip("::")) return;
    if (w[0] >= '0' && w[0] <= '9') w = w.substr(0, w.find_last_not_of("uUlL") + 1);
    if (!out.empty() && (in_word(out.back()) || string_view(">*&])").find(out.back()) != string_view::npos)) out += ' ';
    if (is_arithmetic(w)) out += arithmetic(run_of(w));
    else out += w;
  }

  static bool is_arithmetic(string_view w) {
    return any_of({"unsigned", "signed", "long", "short", "int", "char", "double", "__int128"}, w);
  }

  // The words that follow `first` as long as they belong to one arithmetic type.
  std::vector<string_view> run_of(string_view first) {
    std::vector<string_view> words = {first};
    for (std::size_t back = at_; skip(" "); back = at_) {
      const string_view w = take_word();
      if (!is_arithmetic(w)) return at_ = back, words;
      words.push_back(w);
    }
    return words;
  }

  std::vector<std::string> list_until(char closing) {
    std::vector<std::string> list = {type()};
    while (skip(",")) list.push_back(type());
    skip({&closing, 1});
    return list;
  }

  void arguments(std::string& out) {
    std::vector<std::string> list = list_until('>');
    const auto begins = std::find_if(out.rbegin(), out.rend(), [](char c) { return !in_word(c) && c != ':'; }).base();
    const std::string name(begins, out.end());
    const std::size_t needed = needed_arguments(name);
    while (needed > 0 && list.size() > needed && is_default(list)) list.pop_back();
    const std::string text = name + "<" + joined(list) + ">";
    out.replace(begins, out.end(), well_known(text));
  }

  static std::string well_known(const std::string& text) {
    if (text == "std::basic_string<char>") return "std::string";
    if (text == "std::basic_string<wchar_t>") return "std::wstring";
    if (text == "std::basic_string_view<char>") return "std::string_view";
    return text;
  }

  void brackets(std::string& out) { out += "(" + joined(list_until(')')) + ")"; }

  // A character as a template's argument, which may be any of the signs above.
  void literal(std::string& out) {
    const std::size_t from = at_++;
    while (at_ < in_.size() && in_[at_] != '\'') at_ += in_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_ + 1, in_.size());
    out += in_.substr(from, at_ - from);
  }

  bool ahead(string_view text) const { return in_.substr(at_).starts_with(text); }
  bool skip(string_view text) {
    if (!ahead(text)) return false;
    at_ += text.size();
    return true;
  }

  string_view in_;
  std::size_t at_ = 0;
};

}  // namespace

std::string display_name(const Type& type) { return Speller(type.name).all(); }

bool equal(const Type& a, const Type& b) noexcept {
  if (&a == &b) return true;
  if (a.anonymous || b.anonymous || a.size != b.size || a.align != b.align) return false;
  if (a.name == b.name) return true;
  try {
    return display_name(a) == display_name(b);
  } catch (...) {
    return false;  // no memory to compare them with
  }
}

}  // namespace tailrace
