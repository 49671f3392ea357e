#pragma once
#include <optional>
#include <tuple>
#include <vector>

#include "tailrace/flow/mistakes.h"
#include "tailrace/flow/staged_mistakes.h"
#include "tailrace/flow/stream.h"
#include "tailrace/plan/each_ops.h"
#include "tailrace/plan/equality.h"
#include "tailrace/plan/exit_ops.h"

namespace tailrace {

// A rung with the test that says whether its answer is good enough to stop there.
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
// For a cascade or staged with more behind it: when so much time is left until a request's deadline, the best answer so
// far goes on. Must not be negative; verify says so.
struct Reserve {
  Duration time;
};
inline Reserve reserve(Duration time) { return {time}; }
// For each: the answer is a vector of Result; an element that fails does not fail the others.
struct Keep {};
inline constexpr Keep keep{};

namespace detail {

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
  int agree = 0;
  const Equality* equality = nullptr;
  PolicyUse policy{};
  bool fallback = true;
  std::optional<Duration> reserve{};
};
Edge add_arms(const Edge& in, ArmsNode node, Arm* arms, std::size_t count);

// ---- Nodes

template <class T, class First, class... Rest>
Stream<gives_t<rung_t<First>, T>> arms_node(const Stream<T>& in, ArmsNode node, First first, Rest... rest) {
  Arm arms[] = {make_arm<T>(std::move(first)), make_arm<T>(std::move(rest))...};
  node.type = &type_of<gives_t<rung_t<First>, T>>;
  return Stream<gives_t<rung_t<First>, T>>(add_arms(in.edge(), std::move(node), arms, 1 + sizeof...(Rest)));
}
template <class T, class... Rungs>
auto cascade_node(std::string_view name, const Stream<T>& in, bool fallback, std::optional<Duration> reserve,
                  Rungs... rungs) {
  if constexpr (!good_exits<Rungs...>()) {
    return complain_of_exits<Rungs...>(), Broken{};
  } else if constexpr (!good_arms<T, Rungs...>) {
    return complain_of_arms<T, Rungs...>(), Broken{};
  } else if constexpr (!(exit_test<Rungs, T>::good && ...)) {
    return (exit_test<Rungs, T>::complain(), ...), Broken{};
  } else {
    ArmsNode node{Kind::cascade, name, nullptr};
    node.fallback = fallback;
    node.reserve = reserve;
    return arms_node(in, std::move(node), std::move(rungs)...);
  }
}
// Appends the arms of a staged's stages from `f` on, which takes a T.
template <class T, class F, class... Rest>
void append_stages(Arm* arms, F f, Rest... rest) {
  *arms = make_arm<T>(std::move(f));
  if constexpr (sizeof...(Rest) > 0) {
    using Gives = gives_t<F, T>;
    arms->exit_ops = exit_ops_of<Gives>;
    append_stages<typename Gives::carry_type>(arms + 1, std::move(rest)...);
  }
}
template <class T, class... Stages>
auto staged_node(std::string_view name, const Stream<T>& in, std::optional<Duration> reserve, Stages... stages) {
  if constexpr (!good_stages<T, Stages...>) {
    return complain_of_stages<T, Stages...>(), Broken{};
  } else {
    using Answer = staged_answer_t<T, Stages...>;
    Arm arms[sizeof...(Stages)];
    append_stages<T>(arms, std::move(stages)...);
    ArmsNode node{Kind::staged, name, &type_of<Answer>};
    node.reserve = reserve;
    return Stream<Answer>(add_arms(in.edge(), std::move(node), arms, sizeof...(Stages)));
  }
}
template <class Fn, class... Ts>
Stream<gives_t<Fn, Ts...>> join_node(std::string_view name, Fn fn, const Stream<Ts>&... in) {
  const Edge edges[] = {in.edge()...};
  return Stream<gives_t<Fn, Ts...>>(add_join(edges, sizeof...(Ts), name, make_stage<Ts...>(std::move(fn))));
}
template <class T, class F>
auto each_node(std::string_view name, const Stream<std::vector<T>>& in, bool keeps, F f) {
  if constexpr (!good_stage<F, T>) {
    return complain_of_stage<F, T>(), Broken{};
  } else {
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
requires(sizeof...(Ts) >= 2) auto join_with(std::string_view name, Fn fn, const Stream<Ts>&... in) {
  if constexpr (detail::good_join<Fn, Ts...>()) return detail::join_node(name, std::move(fn), in...);
  else return detail::complain_of_join<Fn, Ts...>(), detail::Broken{};
}
// A tuple of the values of several streams.
template <class... Ts>
requires(sizeof...(Ts) >= 2) auto join(std::string_view name, const Stream<Ts>&... in) {
  return detail::join_node(name, named("tuple", [](Ts... v) { return std::tuple<Ts...>(std::move(v)...); }), in...);
}

// The first valid answer of several arms. The others are told to stop and never waited for.
template <class T, class... Arms>
auto race(std::string_view name, const Stream<T>& in, Arms... arms) {
  if constexpr (detail::good_arms<T, Arms...>)
    return detail::arms_node(in, {Kind::race, name, nullptr}, std::move(arms)...);
  else return detail::complain_of_arms<T, Arms...>(), detail::Broken{};
}
template <class T, class P, class First, class... Arms>
auto race(std::string_view name, const Stream<T>& in, ValidIf<P> valid, First first, Arms... arms) {
  if constexpr (!detail::good_arms<T, First, Arms...>) {
    return detail::complain_of_arms<T, First, Arms...>(), detail::Broken{};
  } else if constexpr (!detail::good_test<P, detail::gives_t<First, T>>) {
    return detail::complain_of_test<P, detail::gives_t<First, T>>(), detail::Broken{};
  } else {
    detail::ArmsNode node{Kind::race, name, nullptr};
    node.test = detail::make_test<detail::gives_t<First, T>>(std::move(valid.test));
    return detail::arms_node(in, std::move(node), std::move(first), std::move(arms)...);
  }
}

// An answer that `agree` arms agree on, by the answers' ==. Arms run like those of a race; the request fails with
// no_quorum as soon as so many cannot agree any more. REQUIRES: 1 <= agree <= number of arms; verify says so.
template <class T, class... Arms>
auto quorum(std::string_view name, int agree, const Stream<T>& in, Arms... arms) {
  if constexpr (!detail::good_arms<T, Arms...>) {
    return detail::complain_of_arms<T, Arms...>(), detail::Broken{};
  } else if constexpr (!detail::good_answers<T, Arms...>()) {
    return detail::complain_of_answers<T, Arms...>(), detail::Broken{};
  } else {
    detail::ArmsNode node{Kind::quorum, name, nullptr};
    node.agree = agree;
    node.equality = detail::equality_of<detail::answer_t<T, Arms...>>;
    return detail::arms_node(in, std::move(node), std::move(arms)...);
  }
}

// One call of `stage` (a function, a model or a flow), and a second one beside it when the policy says so: the first of
// the two to answer counts, and the other is told to stop. The policy is a name in the PolicyCatalog that the engine is
// started with, and parameters: {"fixed", {{"delay_ms", 20}}}. All functions in it must be tr::stage(f, {.replicable =
// true}), because they may be asked twice for one request; models are. A second stage, if there is one, is what the
// second call asks: another variant of a model, say.
template <class T, class F, class... Second>
requires(sizeof...(Second) < 2) auto hedge(std::string_view name, const Stream<T>& in, PolicyUse policy, F stage,
                                           Second... second) {
  if constexpr (!detail::good_arms<T, F, Second...>) {
    return detail::complain_of_arms<T, F, Second...>(), detail::Broken{};
  } else if constexpr (!detail::can_share<F, T> || !(detail::can_share<Second, T> && ...)) {
    return (void)sizeof(hedged_input_must_be_shared_or_copied<false, T>), detail::Broken{};
  } else {
    detail::ArmsNode node{Kind::hedge, name, nullptr};
    node.policy = std::move(policy);
    return detail::arms_node(in, std::move(node), std::move(stage), std::move(second)...);
  }
}

// The answer of the first rung whose exit test holds, else the last one's: cheap first, dear when in doubt.
template <class T, class... Rungs>
auto cascade(std::string_view name, const Stream<T>& in, Rungs... rungs) {
  return detail::cascade_node(name, in, true, {}, std::move(rungs)...);
}
template <class T, class... Rungs>
auto cascade(std::string_view name, const Stream<T>& in, NoFallback, Rungs... rungs) {
  return detail::cascade_node(name, in, false, {}, std::move(rungs)...);
}
template <class T, class... Rungs>
auto cascade(std::string_view name, const Stream<T>& in, Reserve reserve, Rungs... rungs) {
  return detail::cascade_node(name, in, true, reserve.time, std::move(rungs)...);
}
template <class T, class... Rungs>
auto cascade(std::string_view name, const Stream<T>& in, NoFallback, Reserve reserve, Rungs... rungs) {
  return detail::cascade_node(name, in, false, reserve.time, std::move(rungs)...);
}

// A network with early exits: every stage but the last gives an Exit<Answer, Carry>, which leaves with an answer or
// goes on with a carry. The next stage takes that carry; the last one gives the answer itself. A stage that gives an
// AnytimeExit may go on with an answer beside the carry, which is used at a deadline or, with `reserve`, at a cut-off.
template <class T, class... Stages>
auto staged(std::string_view name, const Stream<T>& in, Stages... stages) {
  return detail::staged_node(name, in, {}, std::move(stages)...);
}
template <class T, class... Stages>
auto staged(std::string_view name, const Stream<T>& in, Reserve reserve, Stages... stages) {
  if constexpr (detail::good_stages<T, Stages...> && !detail::some_stage_is_anytime<T, Stages...>()) {
    return (void)sizeof(reserve_needs_an_anytime_exit<false, Stages...>), detail::Broken{};
  } else {
    return detail::staged_node(name, in, reserve.time, std::move(stages)...);
  }
}

// The answer of the arm whose number (from 0) the selector gives.
template <class T, class Select, class... Arms>
auto choose(std::string_view name, const Stream<T>& in, Select select, Arms... arms) {
  if constexpr (!detail::good_arms<T, Arms...>) {
    return detail::complain_of_arms<T, Arms...>(), detail::Broken{};
  } else if constexpr (!detail::good_test<Select, T>) {
    return detail::complain_of_test<Select, T>(), detail::Broken{};
  } else {
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

// Over anything but a vector: does not compile.
template <class T, class F, class... Keeps>
detail::Broken each(std::string_view, const Stream<T>&, F, Keeps...) {
  return (void)sizeof(each_needs_a_vector<false, T>), detail::Broken{};
}

// After a mistake earlier in the flow: no further message.
template <class... A>
detail::Broken race(std::string_view, detail::Broken, A&&...);
template <class... A>
detail::Broken quorum(std::string_view, int, detail::Broken, A&&...);
template <class... A>
detail::Broken hedge(std::string_view, detail::Broken, const PolicyUse&, A&&...);
template <class... A>
detail::Broken cascade(std::string_view, detail::Broken, A&&...);
template <class... A>
detail::Broken staged(std::string_view, detail::Broken, A&&...);
template <class... A>
detail::Broken choose(std::string_view, detail::Broken, A&&...);
template <class... A>
detail::Broken each(std::string_view, detail::Broken, A&&...);
template <class... A>
requires(std::same_as<std::remove_cvref_t<A>, detail::Broken> || ...) detail::Broken join(std::string_view, A&&...);
template <class... A>
requires(std::same_as<std::remove_cvref_t<A>, detail::Broken> || ...) detail::Broken
    join_with(std::string_view, A&&...);

}  // namespace tailrace
