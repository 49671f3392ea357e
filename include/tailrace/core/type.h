#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tailrace/core/type_name.h"

namespace tailrace {

namespace detail {
// Whether T can really be copied. A vector says that it is copyable whatever its elements are, and so do others.
template <class T>
inline constexpr bool copyable = std::is_copy_constructible_v<T> || std::is_void_v<T>;
template <class T>
concept holds_others = !std::same_as<typename T::value_type, T> &&
                       (
                           requires(T & t) { t.begin(), t.end(); } || requires(T & t) { t.has_value(); });
template <holds_others T>
inline constexpr bool copyable<T> = std::is_copy_constructible_v<T>&& copyable<typename T::value_type>;
template <class A, class B>
inline constexpr bool copyable<std::pair<A, B>> = copyable<A>&& copyable<B>;
template <class... T>
inline constexpr bool copyable<std::tuple<T...>> = (copyable<T> && ...);

// Values whose move may throw travel behind a pointer, so that the engine can move any value without a `try`.
template <class T>
inline constexpr bool boxed = !std::is_nothrow_move_constructible_v<T>;
}  // namespace detail

// What the engine knows of a type whose values travel along an edge. One object per C++ type, with static lifetime.
struct Type {
  std::string_view name;  // as the compiler spells it; equal() compares it after normalising the spelling
  std::uint32_t size;     // bytes in a frame's slot
  std::uint32_t align;
  bool anonymous;                               // not the only one of its name: known by this object's address only
  void (*move)(void* to, void* from) noexcept;  // constructs `to`; leaves `from` to be destroyed
  void (*copy)(void* to, const void* from);     // null: the type cannot be copied
  void (*destroy)(void*) noexcept;              // null: nothing to do
};

// Whether two descriptors, possibly from different shared libraries or compilers, describe one type: they are one
// object, or agree in name, size and alignment. Types of an anonymous namespace or a function, and with clang those of
// the global namespace too, are equal only where they are one object: give what crosses shared libraries a namespace.
bool equal(const Type& a, const Type& b) noexcept;

// The name for people, the same with every compiler: "std::vector<std::string>".
std::string display_name(const Type& type);

namespace detail {
// The value of type T that stands in a slot.
template <class T>
T& in_slot(void* slot) noexcept {
  if constexpr (boxed<T>) return **static_cast<T**>(slot);
  else return *std::launder(static_cast<T*>(slot));
}
template <class T, class... A>
void emplace_in_slot(void* slot, A&&... a) {
  if constexpr (boxed<T>) ::new (slot) T*(new T(std::forward<A>(a)...));
  else ::new (slot) T(std::forward<A>(a)...);
}
template <class T>
void move_slot(void* to, void* from) noexcept {
  if constexpr (boxed<T>) {
    ::new (to) T*(*static_cast<T**>(from));
    *static_cast<T**>(from) = nullptr;
  } else {
    ::new (to) T(std::move(*static_cast<T*>(from)));
  }
}
template <class T>
void destroy_slot(void* slot) noexcept {
  if constexpr (boxed<T>) delete *static_cast<T**>(slot);
  else static_cast<T*>(slot)->~T();
}
template <class T>
constexpr auto copier() -> void (*)(void*, const void*) {
  if constexpr (copyable<T>)
    return
        [](void* to, const void* from) { emplace_in_slot<T>(to, std::as_const(in_slot<T>(const_cast<void*>(from)))); };
  else return nullptr;
}
template <class T>
constexpr auto destroyer() -> void (*)(void*) noexcept {
  if constexpr (boxed<T> || !std::is_trivially_destructible_v<T>) return destroy_slot<T>;
  else return nullptr;
}
template <class T>
constexpr Type make_type() {
  static_assert(std::is_nothrow_destructible_v<T>,
                "tailrace: values on an edge must have a destructor that cannot throw");
  static_assert(std::is_move_constructible_v<T>, "tailrace: values on an edge must be movable");
  constexpr auto name = spelled_name<T>();
  constexpr bool anonymous = ambiguous_name(name);
  if constexpr (boxed<T>) return {name, sizeof(T*), alignof(T*), anonymous, move_slot<T>, copier<T>(), destroyer<T>()};
  else return {name, sizeof(T), alignof(T), anonymous, move_slot<T>, copier<T>(), destroyer<T>()};
}
}  // namespace detail

template <class T>
inline constexpr Type type_of = detail::make_type<T>();

}  // namespace tailrace
