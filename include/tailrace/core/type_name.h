#pragma once
#include <cstddef>
#include <string_view>

// The names of C++ types without RTTI, for the descriptors of core/type.h.
namespace tailrace::detail {

template <class T>
constexpr const char* spelled_function() {
  return __PRETTY_FUNCTION__;
}
// What stands around `double` in its function's name stands around every other type's name in theirs.
template <class T>
constexpr std::string_view spelled_name() {
  constexpr std::string_view sample = spelled_function<double>(), spelled = spelled_function<T>();
  constexpr auto before = sample.rfind("double"), after = sample.size() - before - std::string_view("double").size();
  return spelled.substr(before, spelled.size() - before - after);
}

constexpr bool in_word(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}
// Whether a name holds a word that neither belongs to the language nor stands in a namespace or a class.
constexpr bool has_free_word(std::string_view name) {
  constexpr std::string_view language =
      " const volatile signed unsigned long short int char bool float double void wchar_t char8_t char16_t char32_t "
      "__int128 _Float16 __bf16 true false noexcept ";
  for (std::size_t at = 0, end = 0; at < name.size(); at = end + (end == at)) {
    for (end = at; end < name.size() && in_word(name[end]); ++end) {
    }
    if (end == at || (name[at] >= '0' && name[at] <= '9')) continue;
    const bool bound = name.substr(end, 2) == "::" || (at > 0 && (name[at - 1] == ':' || name[at - 1] == '\''));
    const auto found = language.find(name.substr(at, end - at));
    const bool known = found != language.npos && language[found - 1] == ' ' && language[found + end - at] == ' ';
    if (!bound && !known) return true;
  }
  return false;
}
// Whether two different types of one program may be spelled like this: types of an anonymous namespace, of a function,
// without a name. clang spells a type of a function as it spells one of the global namespace.
constexpr bool ambiguous_name(std::string_view name) {
  for (auto mark :
       {"{anonymous}", "(anonymous", "(unnamed", "<unnamed", "<lambda", "(lambda", ")::", "]::", ") const::"})
    if (name.find(mark) != name.npos) return true;
#if defined(__clang__)
  return has_free_word(name);
#else
  return false;
#endif
}

}  // namespace tailrace::detail
