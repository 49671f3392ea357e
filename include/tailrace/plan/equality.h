#pragma once
#include <concepts>
#include <tuple>
#include <utility>
#include <variant>

#include "tailrace/core/type.h"
#include "tailrace/plan/stage.h"

namespace tailrace::detail {

// Whether two values of T can really be compared by ==. A vector says that its can, whatever its elements are, and so
// do others.
template <class T>
concept says_equal = requires(const T& a, const T& b) {
  { a == b } -> std::convertible_to<bool>;
};
template <class T>
inline constexpr bool comparable = says_equal<T>;
template <holds_others T>
inline constexpr bool comparable<T> = says_equal<T>&& comparable<typename T::value_type>;
template <class A, class B>
inline constexpr bool comparable<std::pair<A, B>> = comparable<A>&& comparable<B>;
template <class... T>
inline constexpr bool comparable<std::tuple<T...>> = (comparable<T> && ...);
template <class... T>
inline constexpr bool comparable<std::variant<T...>> = (comparable<T> && ...);

template <class T>
requires comparable<T>
inline constexpr Equality equality{&type_of<T>, [](const void* a_slot, const void* b_slot) -> bool {
                                     const T& a = in_slot<T>(const_cast<void*>(a_slot));
                                     const T& b = in_slot<T>(const_cast<void*>(b_slot));
                                     return a == b;
                                   }};

// The same; null for a type that cannot be compared.
template <class T>
inline constexpr const Equality* equality_of = nullptr;
template <class T>
requires comparable<T>
inline constexpr const Equality* equality_of<T> = &equality<T>;

}  // namespace tailrace::detail
