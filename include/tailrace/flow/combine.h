#pragma once
#include <tuple>
#include <vector>

#include "tailrace/flow/stream.h"
#include "tailrace/plan/each_ops.h"

namespace tailrace {

// ---- Mistakes that do not compile (see stream.h).

template <bool Ok, class FirstArmGives, class ThisArmGives>
struct arms_must_give_one_type {
  static_assert(Ok, "tailrace: all arms must give the same type (the two types are named here)");
};
template <bool Ok, class LastRung>
struct last_rung_must_not_exit {
  static_assert(Ok, "tailrace: the last rung of a cascade always answers; write it without exit_if");
};
template <bool Ok, class Rung>
struct earlier_rung_must_exit {
  static_assert(Ok, "tailrace: every rung of a cascade but the last needs an exit test; write exit_if(stage, test)");
};
template <bool Ok, class Test, class Value>
struct test_must_take_the_value {
  static_assert(Ok, "tailrace: this test or selector cannot be called with the value that it is to judge (both types are named here)");
};
template <bool Ok, class Function, class... StreamsCarry>
struct join_function_must_take_all_streams {
  static_assert(Ok, "tailrace: this function cannot be called with what the joined streams carry (all types are named here)");
};

// A rung of a cascade with the test that says whether its answer is good enough to stop there.
template <class S, class P>
struct ExitIf {
  S stage;
  P test;
};
template <class S, class P>
ExitIf<S, P> exit_if(S stage, P test) {
  return {std::move(stage), std::move(test)};
}
// For a race: only answers for which the test holds may win.
template <class P>
struct ValidIf {
  P test;
};
template <class P>
ValidIf<P> valid_if(P test) {
  return {std::move(test)};
}
// For a cascade: a last rung that fails fails the request, even where an earlier rung has an answer.
struct NoFallback {};
inline constexpr NoFallback no_fallback{};
// For each: the answer is a vector of Result; an element that fails does not fail the others.
struct Keep {};
inline constexpr Keep keep{};

namespace detail {

template <class F>
struct rung {
  using type = F;
  static constexpr bool exits = false;
};
template <class S, class P>
struct rung<ExitIf<S, P>> {
  using type = S;
  static constexpr bool exits = true;
};
template <class F>
using rung_t = typename rung<F>::type;

template <class P, class T>
constexpr bool check_test() {
  constexpr bool ok = requires(const bare_t<P>& p, const T& v) { static_cast<std::size_t>(std::invoke(p, v)); };
  return sizeof(test_must_take_the_value<ok, P, T>) && ok;
}

template <class T, class F>
Arm make_arm(F f) {
  if constexpr (is_flow<F>) return arm_of(f.share());
  else return arm_of(make_stage<T>(std::move(f)));
}
template <class T, class S, class P>
Arm make_arm(ExitIf<S, P> e) {
  Arm a = make_arm<T>(std::move(e.stage));
  a.exit = make_test<gives_t<S, T>>(std::move(e.test));
  return a;
}

// A node with arms, untyped. `arms` are moved from.
struct ArmsNode {
  Kind kind;
  std::string_view name;
  const Type* type;
  Test test{};
  const EachIn* each_in = nullptr;
  const EachOut* each_out = nullptr;
  bool fallback = true;
};
Edge add_arms(const Edge& in, ArmsNode node, Arm* arms, std::size_t count);

template <class T, class First, class... Rest>
constexpr bool check_arms() {
  if constexpr (!(check_stage<rung_t<First>, T>() && ... && check_stage<rung_t<Rest>, T>())) {
    return false;
  } else {
    using Out = gives_t<rung_t<First>, T>;
    constexpr bool same = (std::same_as<gives_t<rung_t<Rest>, T>, Out> && ...);
    return ((sizeof(arms_must_give_one_type<std::same_as<gives_t<rung_t<Rest>, T>, Out>, Out, gives_t<rung_t<Rest>, T>>) + ... + 1)) && same;
  }
}
template <class T, class S, class P>
constexpr bool check_exit(const ExitIf<S, P>*) {
  return check_test<P, gives_t<S, T>>();
}
template <class T, class F>
constexpr bool check_exit(const F*) {
  return true;
}
template <class Rung, bool Last>
constexpr bool check_rung() {
  if constexpr (Last) return sizeof(last_rung_must_not_exit<!rung<Rung>::exits, Rung>) && !rung<Rung>::exits;
  else return sizeof(earlier_rung_must_exit<rung<Rung>::exits, Rung>) && rung<Rung>::exits;
}
template <class... Rungs>
constexpr bool check_rungs() {
  return []<std::size_t... K>(std::index_sequence<K...>) {
    return (check_rung<Rungs, K + 1 == sizeof...(Rungs)>() && ...);
  }(std::index_sequence_for<Rungs...>{});
}

template <class T, class First, class... Rest>
Stream<gives_t<rung_t<First>, T>> arms_node(const Stream<T>& in, ArmsNode node, First first, Rest... rest) {
  Arm arms[] = {make_arm<T>(std::move(first)), make_arm<T>(std::move(rest))...};
  node.type = &type_of<gives_t<rung_t<First>, T>>;
  return Stream<gives_t<rung_t<First>, T>>(add_arms(in.edge(), std::move(node), arms, 1 + sizeof...(Rest)));
}
template <class T, class... Rungs>
auto cascade_node(std::string_view name, const Stream<T>& in, bool fallback, Rungs... rungs) {
  if constexpr (!check_rungs<Rungs...>()) return Broken{};
  else if constexpr (!check_arms<T, Rungs...>()) return Broken{};
  else if constexpr (!(check_exit<T>(static_cast<const Rungs*>(nullptr)) && ...)) return Broken{};
  else {
    ArmsNode node{Kind::cascade, name, nullptr};
    node.fallback = fallback;
    return arms_node(in, std::move(node), std::move(rungs)...);
  }
}
template <class Fn, class... Ts>
Stream<gives_t<Fn, Ts...>> join_node(std::string_view name, Fn fn, const Stream<Ts>&... in) {
  const Edge edges[] = {in.edge()...};
  return Stream<gives_t<Fn, Ts...>>(add_join(edges, sizeof...(Ts), name, make_stage<Ts...>(std::move(fn))));
}
template <class T, class F>
auto each_node(std::string_view name, const Stream<std::vector<T>>& in, bool keeps, F f) {
  if constexpr (!check_stage<F, T>()) return Broken{};
  else {
    using Out = gives_t<F, T>;
    Arm arm = make_arm<T>(std::move(f));
    ArmsNode node{Kind::each, name, nullptr};
    node.each_in = &each_in<T>;
    node.each_out = keeps ? &each_keep<Out> : &each_all<Out>;
    return std::pair(add_arms(in.edge(), std::move(node), &arm, 1), std::type_identity<Out>{});
  }
}

}  // namespace detail

// ---- Combinators. `in` is one stream; arms are functions, models or flows of its values. See docs/semantics.md.

// fn(a, b, …) of the values of several streams; they may be computed at the same time.
template <class Fn, class... Ts>
  requires(sizeof...(Ts) >= 2)
auto join_with(std::string_view name, Fn fn, const Stream<Ts>&... in) {
  constexpr bool ok = detail::callable_with<detail::bare_t<Fn>, Ts...>;
  if constexpr (sizeof(join_function_must_take_all_streams<ok, Fn, Ts...>) && ok) return detail::join_node(name, std::move(fn), in...);
  else return detail::Broken{};
}
// A tuple of the values of several streams.
template <class... Ts>
  requires(sizeof...(Ts) >= 2)
auto join(std::string_view name, const Stream<Ts>&... in) {
  return detail::join_node(name, named("tuple", [](Ts... v) { return std::tuple<Ts...>(std::move(v)...); }), in...);
}

// The first valid answer of several arms. The others are told to stop and never waited for.
template <class T, class... Arms>
auto race(std::string_view name, const Stream<T>& in, Arms... arms) {
  if constexpr (detail::check_arms<T, Arms...>()) return detail::arms_node(in, {Kind::race, name, nullptr}, std::move(arms)...);
  else return detail::Broken{};
}
template <class T, class P, class First, class... Arms>
auto race(std::string_view name, const Stream<T>& in, ValidIf<P> valid, First first, Arms... arms) {
  if constexpr (!detail::check_arms<T, First, Arms...>()) return detail::Broken{};
  else if constexpr (!detail::check_test<P, detail::gives_t<First, T>>()) return detail::Broken{};
  else {
    detail::ArmsNode node{Kind::race, name, nullptr};
    node.test = detail::make_test<detail::gives_t<First, T>>(std::move(valid.test));
    return detail::arms_node(in, std::move(node), std::move(first), std::move(arms)...);
  }
}

// The answer of the first rung whose exit test holds, else the last one's: cheap first, dear when in doubt.
template <class T, class... Rungs>
auto cascade(std::string_view name, const Stream<T>& in, Rungs... rungs) {
  return detail::cascade_node(name, in, true, std::move(rungs)...);
}
template <class T, class... Rungs>
auto cascade(std::string_view name, const Stream<T>& in, NoFallback, Rungs... rungs) {
  return detail::cascade_node(name, in, false, std::move(rungs)...);
}

// The answer of the arm whose number (from 0) the selector gives.
template <class T, class Select, class... Arms>
auto choose(std::string_view name, const Stream<T>& in, Select select, Arms... arms) {
  if constexpr (!detail::check_arms<T, Arms...>()) return detail::Broken{};
  else if constexpr (!detail::check_test<Select, T>()) return detail::Broken{};
  else {
    detail::ArmsNode node{Kind::choose, name, nullptr};
    node.test = detail::make_test<T>(std::move(select));
    return detail::arms_node(in, std::move(node), std::move(arms)...);
  }
}

// The flow over every element of a vector, answers in the order of the input. The first element that fails fails the
// request.
template <class T, class F>
auto each(std::string_view name, const Stream<std::vector<T>>& in, F f) {
  auto node = detail::each_node(name, in, false, std::move(f));
  if constexpr (std::same_as<decltype(node), detail::Broken>) return node;
  else return Stream<std::vector<typename decltype(node.second)::type>>(std::move(node.first));
}
// The same with a Result for every element: none can fail the others.
template <class T, class F>
auto each(std::string_view name, const Stream<std::vector<T>>& in, F f, Keep) {
  auto node = detail::each_node(name, in, true, std::move(f));
  if constexpr (std::same_as<decltype(node), detail::Broken>) return node;
  else return Stream<std::vector<Result<typename decltype(node.second)::type>>>(std::move(node.first));
}

// After a mistake earlier in the flow: no further message.
template <class... A>
detail::Broken race(std::string_view, detail::Broken, A&&...);
template <class... A>
detail::Broken cascade(std::string_view, detail::Broken, A&&...);
template <class... A>
detail::Broken choose(std::string_view, detail::Broken, A&&...);
template <class... A>
detail::Broken each(std::string_view, detail::Broken, A&&...);

}  // namespace tailrace
