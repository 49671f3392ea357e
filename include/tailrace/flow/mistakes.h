#pragma once
#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "tailrace/plan/equality.h"
#include "tailrace/plan/make_stage.h"

namespace tailrace {

// ---- Mistakes that do not compile. Each stands in a class template whose name is the sentence and whose parameters
// are the types in question, so that the compiler's message carries all of it.

template <bool Ok, class Stage, class StreamCarries>
struct stage_must_take_what_the_stream_carries {
  static_assert(Ok, "tailrace: this stage cannot be called with what the stream carries (both types are named here)");
};
template <bool Ok, class Stage, class StreamCarries>
struct stage_must_not_change_itself {
  static_assert(Ok,
                "tailrace: this stage is a mutable lambda or has no const operator(); stages run on several threads at "
                "once and must not change themselves");
};
template <bool Ok, class Stage, class StreamCarries>
struct stage_must_not_take_a_mutable_reference {
  static_assert(Ok, "tailrace: this stage takes its input as T&; take const T& to read it or T&& to own it");
};
template <bool Ok, class Stage>
struct stage_must_return_a_value {
  static_assert(Ok, "tailrace: this stage returns nothing; a stage must return a value or a Result");
};

template <bool Ok, class FirstArmGives, class ThisArmGives>
struct arms_must_give_one_type {
  static_assert(Ok, "tailrace: all arms must give the same type (the two types are named here)");
};
template <bool Ok, class Answer>
struct answers_must_be_comparable {
  static_assert(Ok, "tailrace: a quorum compares its arms' answers; this type has no operator== that gives a bool");
};
template <bool Ok, class StreamCarries>
struct hedged_input_must_be_shared_or_copied {
  static_assert(Ok,
                "tailrace: both calls of a hedge read one value, which cannot be copied (it is named here); take it as "
                "const T&");
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
  static_assert(Ok,
                "tailrace: this test or selector cannot be called with the value that it is to judge (both types are "
                "named here)");
};
template <bool Ok, class StreamCarries>
struct combinator_needs_an_arm {
  static_assert(Ok, "tailrace: a race, quorum, cascade, staged or choose needs at least one arm");
};
template <bool Ok, class StreamCarries>
struct each_needs_a_vector {
  static_assert(Ok, "tailrace: each works on a stream of std::vector (what the stream carries is named here)");
};
template <bool Ok, class Function, class... StreamsCarry>
struct join_function_must_take_all_streams {
  static_assert(
      Ok, "tailrace: this function cannot be called with what the joined streams carry (all types are named here)");
};

// What exit_if makes: see combine.h.
template <class S, class P>
struct ExitIf {
  S stage;
  P test;
};
namespace detail {

// What every member returns after a mistake, so that one mistake gives one message.
struct Broken {
  template <class... A>
  Broken then(A&&...) const;
};

// ---- What is right, and complaints of what is not. The two stand apart, so that a compiler that has complained still
// knows the answer, goes on with a Broken stream and says no more.

template <class F, class T>
concept takes_as = std::is_invocable_v<F, T> || std::is_invocable_v<F, T, const Context&>;
template <class F, class T>
concept changes_itself = takes_as < bare_t<F>
&, const T& > || takes_as<bare_t<F>&, T&&>;
template <class F, class T>
concept wants_mutable = takes_as < bare_t<F>
&, T& > ;

template <class F, class T>
concept good_stage = stage_for<F, T> && !std::is_void_v<gives_t<F, T>>;

// Does not compile, and says why, unless F is a stage for T.
template <class F, class T>
void complain_of_stage() {
  if constexpr (good_stage<F, T>) return;
  else if constexpr (stage_for<F, T>) (void)sizeof(stage_must_return_a_value<false, F>);
  else if constexpr (changes_itself<F, T>) (void)sizeof(stage_must_not_change_itself<false, F, T>);
  else if constexpr (wants_mutable<F, T>) (void)sizeof(stage_must_not_take_a_mutable_reference<false, F, T>);
  else (void)sizeof(stage_must_take_what_the_stream_carries<false, F, T>);
}

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
concept good_test = requires(const bare_t<P>& p, const T& v) {
  static_cast<std::size_t>(p(v));
};
template <class P, class T>
void complain_of_test() {
  if constexpr (!good_test<P, T>) (void)sizeof(test_must_take_the_value<false, P, T>);
}

template <class T, class First, class... Rest>
constexpr bool arms_agree() {
  if constexpr ((good_stage<rung_t<First>, T> && ... && good_stage<rung_t<Rest>, T>))
    return (std::is_same_v<gives_t<rung_t<Rest>, T>, gives_t<rung_t<First>, T>> && ...);
  else return false;
}
template <class T, class... Arms>
concept good_arms = sizeof...(Arms) > 0 && arms_agree<T, Arms...>();

template <class T, class First, class Other>
void complain_of_arm() {
  using A = gives_t<rung_t<First>, T>;
  using B = gives_t<rung_t<Other>, T>;
  if constexpr (!std::is_same_v<A, B>) (void)sizeof(arms_must_give_one_type<false, A, B>);
}
template <class T>
void complain_of_arms() {
  (void)sizeof(combinator_needs_an_arm<false, T>);
}
template <class T, class First, class... Rest>
void complain_of_arms() {
  if constexpr (!(good_stage<rung_t<First>, T> && ... && good_stage<rung_t<Rest>, T>))
    complain_of_stage<rung_t<First>, T>(), (complain_of_stage<rung_t<Rest>, T>(), ...);
  else (complain_of_arm<T, First, Rest>(), ...);
}

// What arms that agree in type give.
template <class T, class First, class... Rest>
struct answer {
  using type = gives_t<rung_t<First>, T>;
};
template <class T, class... Arms>
using answer_t = typename answer<T, Arms...>::type;
template <class T, class... Arms>
constexpr bool good_answers() {
  return comparable<answer_t<T, Arms...>>;
}
template <class T, class... Arms>
void complain_of_answers() {
  (void)sizeof(answers_must_be_comparable<good_answers<T, Arms...>(), answer_t<T, Arms...>>);
}

// Whether F can look at a T that others look at, too, if need be in a copy. Of a flow only its graph tells: see verify.
template <class F, class T>
concept can_share = is_flow<F> || std::copy_constructible<T> || takes_as < bare_t<F>,
const T& > ;

template <class Rung, bool Last>
void complain_of_rung() {
  if constexpr (Last && rung<Rung>::exits) (void)sizeof(last_rung_must_not_exit<false, Rung>);
  else if constexpr (!Last && !rung<Rung>::exits) (void)sizeof(earlier_rung_must_exit<false, Rung>);
}
// Every rung but the last has an exit test.
template <class... Rungs>
constexpr bool good_exits() {
  std::size_t i = 0;
  return ((rung<Rungs>::exits == (++i < sizeof...(Rungs))) && ...);
}
template <class... Rungs>
void complain_of_exits() {
  []<std::size_t... K>(std::index_sequence<K...>) { (complain_of_rung<Rungs, K + 1 == sizeof...(Rungs)>(), ...); }
  (std::index_sequence_for<Rungs...>{});
}
template <class Rung, class T>
struct exit_test {
  static constexpr bool good = true;
  static void complain() {}
};
template <class S, class P, class T>
struct exit_test<ExitIf<S, P>, T> {
  static constexpr bool good = good_test<P, gives_t<S, T>>;
  static void complain() { complain_of_test<P, gives_t<S, T>>(); }
};

template <class Fn, class... Ts>
constexpr bool good_join() {
  if constexpr (callable_with<bare_t<Fn>, Ts...>) return !std::is_void_v<gives_t<Fn, Ts...>>;
  else return false;
}
template <class Fn, class... Ts>
void complain_of_join() {
  if constexpr (callable_with<bare_t<Fn>, Ts...>) (void)sizeof(stage_must_return_a_value<false, Fn>);
  else (void)sizeof(join_function_must_take_all_streams<false, Fn, Ts...>);
}

}  // namespace detail
}  // namespace tailrace
