#include "tailrace/core/type.h"

#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <unordered_map>
#include <variant>
#include <vector>

#include "tailrace/core/problems.h"
#include "tailrace/core/result.h"

namespace type_test {
struct Image {};
enum class Colour { red, green };
template <class T, Colour c, auto n, bool flag>
struct Mixed {};
template <class A, class B>
struct Pair {
  struct Inner {};
};
template <class A, class B>
const tailrace::Type& local_type() {
  struct Local {
    A a;
    B b;
  };
  return tailrace::type_of<Local>;
}
}  // namespace type_test

namespace tailrace {
namespace {

struct Hidden {};

// Throws when moved, so that it must travel behind a pointer; counts its living objects.
struct Heavy {
  static inline int alive = 0;
  int value;
  explicit Heavy(int v) : value(v) { ++alive; }
  Heavy(const Heavy& other) : value(other.value) { ++alive; }
  Heavy(Heavy&&) noexcept(false) : value(0) { throw std::runtime_error("moved"); }
  ~Heavy() { --alive; }
};

// A descriptor with that name as another compiler or library would make it.
Type named(std::string_view name, std::uint32_t size = 8) { return {name, size, 8, false, nullptr, nullptr, nullptr}; }

std::string shown(std::string_view name) { return display_name(named(name)); }

bool same(std::string_view a, std::string_view b) { return equal(named(a), named(b)); }

TEST_CASE("a descriptor knows its type's size and what can be done with it") {
  CHECK(type_of<double>.size == sizeof(double));
  CHECK(type_of<double>.align == alignof(double));
  CHECK(type_of<double>.destroy == nullptr);
  CHECK(type_of<std::string>.destroy != nullptr);
  CHECK(type_of<std::string>.copy != nullptr);
  CHECK(type_of<std::unique_ptr<int>>.copy == nullptr);
}

TEST_CASE("values move and copy from slot to slot") {
  const Type& type = type_of<std::string>;
  alignas(std::string) char slots[3][sizeof(std::string)];
  detail::emplace_in_slot<std::string>(slots[0], 100, 'x');
  type.copy(slots[1], slots[0]);
  type.move(slots[2], slots[0]);
  CHECK(detail::in_slot<std::string>(slots[1]) == std::string(100, 'x'));
  CHECK(detail::in_slot<std::string>(slots[2]) == std::string(100, 'x'));
  for (auto& slot : slots) type.destroy(slot);
}

TEST_CASE("move-only values move from slot to slot") {
  using Owner = std::unique_ptr<int>;
  alignas(Owner) char from[sizeof(Owner)], to[sizeof(Owner)];
  detail::emplace_in_slot<Owner>(from, std::make_unique<int>(3));
  type_of<Owner>.move(to, from);
  CHECK(detail::in_slot<Owner>(from) == nullptr);
  CHECK(*detail::in_slot<Owner>(to) == 3);
  type_of<Owner>.destroy(from);
  type_of<Owner>.destroy(to);
}

TEST_CASE("values whose move may throw travel behind a pointer") {
  const Type& type = type_of<Heavy>;
  CHECK(detail::boxed<Heavy>);
  CHECK(type.size == sizeof(Heavy*));
  alignas(Heavy*) char slots[3][sizeof(Heavy*)];
  detail::emplace_in_slot<Heavy>(slots[0], 5);
  type.move(slots[1], slots[0]);  // does not throw
  type.copy(slots[2], slots[1]);
  CHECK(detail::in_slot<Heavy>(slots[1]).value == 5);
  CHECK(detail::in_slot<Heavy>(slots[2]).value == 5);
  CHECK(Heavy::alive == 2);
  for (auto& slot : slots) type.destroy(slot);
  CHECK(Heavy::alive == 0);
}

TEST_CASE("containers of move-only values are known to be move-only") {
  using Owners = std::vector<std::unique_ptr<int>>;
  CHECK(type_of<Owners>.copy == nullptr);
  CHECK(type_of<std::vector<Owners>>.copy == nullptr);
  CHECK(type_of<std::tuple<int, Owners>>.copy == nullptr);
  CHECK(type_of<std::pair<Owners, int>>.copy == nullptr);
  CHECK(type_of<std::map<int, std::unique_ptr<int>>>.copy == nullptr);
  CHECK(type_of<std::vector<std::string>>.copy != nullptr);
  CHECK(type_of<std::optional<Owners>>.copy == nullptr);
  CHECK(type_of<Result<Owners>>.copy == nullptr);
  CHECK(type_of<std::map<int, std::string>>.copy != nullptr);
  CHECK(type_of<std::optional<std::string>>.copy != nullptr);
  CHECK(type_of<Result<std::string>>.copy != nullptr);
  CHECK(type_of<Status>.copy != nullptr);
}

TEST_CASE("equal types are one object, or agree in name, size and alignment") {
  CHECK(equal(type_of<int>, type_of<int>));
  CHECK_FALSE(equal(type_of<int>, type_of<unsigned>));
  const Type copy = type_of<type_test::Image>;
  CHECK(equal(copy, type_of<type_test::Image>));
  Type other = copy;
  other.size = 2;
  CHECK_FALSE(equal(copy, other));
  other = copy;
  other.align = 2;
  CHECK_FALSE(equal(copy, other));
}

TEST_CASE("types that may share their name with others are known by address only") {
  struct Local {};
  const auto lambda = [] {};
  CHECK(type_of<Hidden>.anonymous);
  CHECK(type_of<std::vector<Hidden>>.anonymous);
  CHECK(type_of<Local>.anonymous);
  CHECK(type_of<std::vector<Local>>.anonymous);
  CHECK(type_of<std::remove_const_t<decltype(lambda)>>.anonymous);
  const Type copy = type_of<Hidden>;
  CHECK(equal(type_of<Hidden>, type_of<Hidden>));
  CHECK_FALSE(equal(copy, type_of<Hidden>));
  CHECK_FALSE(equal(type_test::local_type<int, float>(), type_test::local_type<float, int>()));
}

TEST_CASE("types with a place of their own are known by name") {
  CHECK_FALSE(type_of<int>.anonymous);
  CHECK_FALSE(type_of<unsigned long long>.anonymous);
  CHECK_FALSE(type_of<const signed char*>.anonymous);
  CHECK_FALSE(type_of<type_test::Image>.anonymous);
  CHECK_FALSE(type_of<std::map<std::string, std::array<float, 3>>>.anonymous);
  CHECK_FALSE(type_of<type_test::Mixed<int, type_test::Colour::green, 'x', true>>.anonymous);
  CHECK_FALSE(type_of<std::function<void(int, const type_test::Image&)>>.anonymous);
}

TEST_CASE("free words are found whatever stands around them") {
  CHECK(detail::has_free_word("Local"));
  CHECK(detail::has_free_word("std::vector<Local>"));
  CHECK(detail::has_free_word("const Local *"));
  CHECK(detail::has_free_word("std::array<ned, 3>"));  // part of "unsigned"
  CHECK_FALSE(detail::has_free_word("std::array<signed char, 3UL>"));
  CHECK_FALSE(detail::has_free_word("a::B<const unsigned long *, 'x', true>"));
}

TEST_CASE("this compiler's names are shown in the short way") {
  using namespace type_test;
  CHECK(display_name(type_of<std::string>) == "std::string");
  CHECK(display_name(type_of<std::vector<std::string>>) == "std::vector<std::string>");
  CHECK(display_name(type_of<std::map<std::string, std::vector<unsigned long>>>) ==
        "std::map<std::string, std::vector<unsigned long>>");
  CHECK(display_name(type_of<Result<int>>) == "tailrace::Result<int>");
  CHECK(display_name(type_of<Status>) == "tailrace::Result<void>");
  CHECK(display_name(type_of<Result<int, Problems>>) == "tailrace::Result<int, tailrace::Problems>");
  CHECK(display_name(type_of<std::vector<Result<std::string>>>) == "std::vector<tailrace::Result<std::string>>");
  CHECK(display_name(type_of<std::unordered_map<int, long long>>) == "std::unordered_map<int, long long>");
  CHECK(display_name(type_of<std::array<std::array<float, 3>, 4>>) == "std::array<std::array<float, 3>, 4>");
  CHECK(display_name(type_of<std::span<const float>>) == "std::span<const float>");
  CHECK(display_name(type_of<std::optional<unsigned char>>) == "std::optional<unsigned char>");
  CHECK(display_name(type_of<std::tuple<int, Image, const char*>>) == "std::tuple<int, type_test::Image, const char*>");
  CHECK(display_name(type_of<std::function<void(int, const Image&)>>) ==
        "std::function<void(int, const type_test::Image&)>");
  CHECK(display_name(type_of<Mixed<short, Colour::green, 4ul, true>>) ==
        "type_test::Mixed<short, type_test::Colour::green, 4, true>");
  CHECK(display_name(type_of<Mixed<short, Colour::red, '>', true>>) ==
        "type_test::Mixed<short, type_test::Colour::red, '>', true>");
  CHECK(display_name(type_of<Pair<int, double>::Inner>) == "type_test::Pair<int, double>::Inner");
  CHECK(display_name(type_of<std::set<std::string_view>>) == "std::set<std::string_view>");
  CHECK(display_name(type_of<std::chrono::steady_clock::duration>) ==
        "std::chrono::duration<long, std::ratio<1, 1000000000>>");
}

TEST_CASE("nameless places are left out of what is shown") {
  struct Local {};
  CHECK(display_name(type_of<Hidden>) == "tailrace::Hidden");
  CHECK(display_name(type_of<Local>) == "Local");
  CHECK(display_name(type_test::local_type<int, float>()) == "Local");
  CHECK(shown("main()::<lambda(int, std::vector<int>)>") == "lambda");
  CHECK(shown("(lambda at a,b.cc:20:87)") == "lambda");
  CHECK(shown("std::vector<(unnamed struct at n.cc:22:2)>") == "std::vector<unnamed>");
  CHECK(shown("std::vector<M::m() const::Loc>") == "std::vector<Loc>");
  CHECK(shown("f(int) [with T = int; U = char]::Loc") == "Loc");
}

TEST_CASE("two compilers' spellings of one type are equal") {
  const std::pair<std::string_view, std::string_view> pairs[] = {
      {"std::__cxx11::basic_string<char>", "std::basic_string<char>"},
      {"std::__cxx11::basic_string<char>", "std::basic_string<char, std::char_traits<char>, std::allocator<char> >"},
      {"std::__cxx11::basic_string<char>", "std::string"},
      {"std::vector<std::__cxx11::basic_string<char> >", "std::vector<std::basic_string<char>>"},
      {"std::vector<long unsigned int>", "std::vector<unsigned long, std::allocator<unsigned long>>"},
      {"std::map<std::__cxx11::basic_string<char>, short int>",
       "std::map<std::basic_string<char>, short, std::less<std::basic_string<char>>, "
       "std::allocator<std::pair<const std::basic_string<char>, short>>>"},
      {"std::unordered_map<int, long long int>",
       "std::unordered_map<int, long long, std::hash<int>, std::equal_to<int>, "
       "std::allocator<std::pair<const int, long long>>>"},
      {"std::unique_ptr<a::B>", "class std::unique_ptr<struct a::B, struct std::default_delete<struct a::B> >"},
      {"std::span<const float>", "std::span<const float, 18446744073709551615>"},
      {"std::function<void(int, const G&)>", "std::function<void (int, const G &)>"},
      {"std::array<char, 4>", "std::array<char, 4UL>"},
      {"int (*)(G*)", "int (*)(G *)"},
      {"int* const", "int *const"},
      {"int [3]", "int[3]"},
      {"__int128 unsigned", "unsigned __int128"},
      {"short unsigned int", "unsigned short"},
  };
  for (const auto& [a, b] : pairs) {
    INFO(a << " and " << b << " are " << shown(a) << " and " << shown(b));
    CHECK(same(a, b));
  }
}

TEST_CASE("different types stay different") {
  const std::pair<std::string_view, std::string_view> pairs[] = {
      {"std::vector<int>", "std::vector<int, my::allocator<int>>"},
      {"std::vector<int>", "std::vector<int, std::allocator<long>>"},
      {"std::tuple<int>", "std::tuple<int, std::allocator<int>>"},
      {"my::vector<int>", "my::vector<int, std::allocator<int>>"},
      {"std::map<int, std::allocator<int>>", "std::map<int, int>"},
      {"std::array<int, 4>", "std::array<int, 5>"},
      {"std::span<const float, 3>", "std::span<const float>"},
      {"unsigned long", "unsigned int"},
      {"signed char", "char"},
      {"long double", "double"},
      {"a::Image", "b::Image"},
      {"a::Image", "Image"},
      {"const int*", "int* const"},
      {"std::shared_ptr<const int>", "std::shared_ptr<int>"},
  };
  for (const auto& [a, b] : pairs) {
    INFO(a << " and " << b << " are " << shown(a) << " and " << shown(b));
    CHECK_FALSE(same(a, b));
  }
}

TEST_CASE("names that make no sense are read to their end") {
  for (std::string_view name :
       {"", ">", "a>b", "<", "(", "x<(", "'", "'\\", "std::vector<", "<lambda(", "a,b", "::", "{"})
    CHECK(shown(name).size() <= name.size() + 8);
}

}  // namespace
}  // namespace tailrace
