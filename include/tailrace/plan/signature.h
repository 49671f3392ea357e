#pragma once
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "tailrace/plan/each_ops.h"
#include "tailrace/plan/equality.h"
#include "tailrace/plan/exit_ops.h"
#include "tailrace/plan/make_stage.h"

namespace tailrace::detail {

// The value types that a function, a lambda, a model or one of these with options takes and gives: its only operator()
// says so. `const Context&` at the end does not count, and neither do references and Result.
template <class... T>
struct type_list {
  static constexpr std::size_t size = sizeof...(T);
};

// Drops a `const Context&` at the end.
template <class Kept, class... A>
struct inputs_of;
template <class... Kept>
struct inputs_of<type_list<Kept...>> {
  using type = type_list<Kept...>;
};
template <class... Kept>
struct inputs_of<type_list<Kept...>, const Context&> {
  using type = type_list<Kept...>;
};
template <class... Kept, class Out>
struct inputs_of<type_list<Kept...>, Completion<Out>> {
  using type = type_list<Kept...>;
};
template <class In, class Out>
struct inputs_of<type_list<>, Batch<In, Out>&> {
  using type = type_list<In>;
};
template <class... Kept, class A, class... More>
struct inputs_of<type_list<Kept...>, A, More...> : inputs_of<type_list<Kept..., std::remove_cvref_t<A>>, More...> {};

template <class R, class... A>
struct signature_parts {
  using inputs = typename inputs_of<type_list<>, A...>::type;
  using returned = std::decay_t<R>;
};

template <class F>
struct signature {};  // no single operator(): generic, overloaded, or not callable
template <class R, class... A>
struct signature<R(A...)> : signature_parts<R, A...> {};
template <class R, class... A>
struct signature<R(A...) noexcept> : signature_parts<R, A...> {};
template <class R, class... A>
struct signature<R (*)(A...)> : signature_parts<R, A...> {};
template <class R, class... A>
struct signature<R (*)(A...) noexcept> : signature_parts<R, A...> {};
template <class R, class C, class... A>
struct signature<R (C::*)(A...) const> : signature_parts<R, A...> {};
template <class R, class C, class... A>
struct signature<R (C::*)(A...) const noexcept> : signature_parts<R, A...> {};
template <class F>
requires requires { &F::operator(); }
struct signature<F> : signature<decltype(&F::operator())> {};
template <class F>
struct signature<Wrapped<F>> : signature<F> {};

template <class Inputs>
struct without_first;
template <class First, class... Rest>
struct without_first<type_list<First, Rest...>> {
  using type = type_list<Rest...>;
};
template <class S, class M, class F>
requires requires { typename signature<F>::inputs; }
struct signature<Stateful<S, M, F>> {
  using inputs = typename without_first<typename signature<F>::inputs>::type;
  using returned = typename signature<F>::returned;
};

template <class F>
concept has_signature = requires {
  typename signature<F>::inputs;
};

template <class F, class... In>
auto inputs_or(type_list<In...> given) {
  if constexpr (sizeof...(In) > 0) return given;
  else if constexpr (has_signature<F>) return typename signature<F>::inputs{};
  else return type_list<>{};
}
// The types given by hand, or where none are, those that the function's signature names.
template <class F, class... Given>
using inputs_t = decltype(inputs_or<F>(type_list<Given...>{}));

template <class F, class... In>
Stage make_stage_of(F f, type_list<In...>) {
  return make_stage<In...>(std::move(f));
}
template <class F, class In>
Test make_test_of(F f, type_list<In>) {
  return make_test<In>(std::move(f));
}
template <class F, class... In>
constexpr bool takes_all(type_list<In...>) {
  if constexpr (sizeof...(In) == 1) return (stage_for<F, In> && ...);
  else return callable_with<bare_t<F>, In...>;
}

// What a Catalog keeps of a C++ type: how vectors of it are taken apart and put together by `each`, how it itself is
// by `staged`, and how `quorum` compares it.
struct KnownType {
  const Type* type;
  const KnownType* element;  // of a vector; else null
  const EachIn* each_in;     // over a vector of this type; null where it cannot be copied
  const EachOut* each_all;
  const EachOut* each_keep;
  const ExitOps* exit_ops;   // of an Exit; else null
  const Equality* equality;  // null where it cannot be compared
};
template <class T>
struct known;
template <class T>
inline constexpr const KnownType* known_element = nullptr;
template <class E>
inline constexpr const KnownType* known_element<std::vector<E>> = &known<E>::value;

template <class T>
struct known {
  static constexpr KnownType make() {
    if constexpr (copyable<T>)
      return {&type_of<T>, known_element<T>, &each_in<T>, &each_all<T>, &each_keep<T>, exit_ops_of<T>, equality_of<T>};
    else return {&type_of<T>, known_element<T>, nullptr, nullptr, nullptr, exit_ops_of<T>, equality_of<T>};
  }
  static constexpr KnownType value = make();
};
template <class... In>
std::vector<const KnownType*> known_types(type_list<In...>) {
  return {&known<In>::value...};
}

// A factory gives the callable, or Built<callable>.
template <class R>
struct made_by {
  using type = R;
};
template <class T>
struct made_by<Built<T>> {
  using type = T;
};
template <class Factory>
using made_t = typename made_by<std::decay_t<std::invoke_result_t<const Factory&, const Parameters&>>>::type;

}  // namespace tailrace::detail
