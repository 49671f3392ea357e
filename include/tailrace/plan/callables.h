#pragma once
#include <concepts>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tailrace/core/result.h"
#include "tailrace/plan/handles.h"
#include "tailrace/plan/model_stage.h"
#include "tailrace/plan/other_forms.h"
#include "tailrace/plan/stage.h"

namespace tailrace {

// What a user may say about a function beyond what its type says.
struct StageOptions {
  bool replicable = false;  // may be asked twice for one request: it has no side effects that matter
  bool quick = false;       // returns within microseconds: may run on the caller's thread under a deadline
  bool serial = false;      // one call at a time, in order of arrival
  unsigned limit = 0;       // calls at a time; 0: no limit
  // Of a batch stage, requests that one call may answer; 0: 32. Of a model, the same: then requests wait for its calls,
  // of which there are `limit` at a time (0: one); 0: the pass `batch` decides, and 1: it answers no batches.
  unsigned max_batch = 0;
  PolicyUse batch{};        // of both: the policy that sizes batches; without a name all who wait are taken
  BatchTimes times{};       // what calls of so many rows take, for that policy; empty: it learns
  std::string function{};   // its name in a Catalog; the stage's own name where empty
  Parameters parameters{};  // what its Catalog factory was given
};

// A function with options: what tr::stage and tr::named return, and a stage wherever F is one.
template <class F>
struct Wrapped {
  F function;
  StageOptions options;
};
template <class F>
Wrapped<F> stage(F function, StageOptions options) {
  return {std::move(function), std::move(options)};
}
// A function (or test, or selector) under its name in a Catalog, so that a flow written in C++ can be written as JSON.
template <class F>
Wrapped<F> named(std::string name, F function) {
  StageOptions o;
  o.function = std::move(name);
  return {std::move(function), std::move(o)};
}
template <class F>
Wrapped<F> named(std::string name, Parameters parameters, F function) {
  StageOptions o;
  o.function = std::move(name);
  o.parameters = std::move(parameters);
  return {std::move(function), std::move(o)};
}

namespace detail {

template <class F>
inline constexpr bool is_wrapped = false;
template <class F>
inline constexpr bool is_wrapped<Wrapped<F>> = true;
template <class F>
inline constexpr bool is_flow = false;
template <class In, class Out>
inline constexpr bool is_flow<Flow<In, Out>> = true;

// The callable inside: without options, and with a pointer to a member as the function that it means.
template <class F>
struct bare {
  using type = F;
};
template <class F>
struct bare<Wrapped<F>> : bare<F> {};
template <class F>
requires std::is_member_pointer_v<F>
struct bare<F> {
  using type = decltype(std::mem_fn(std::declval<F>()));
};
template <class F>
using bare_t = typename bare<F>::type;

// ---- what a callable takes and gives

// Called directly, not through std::invoke: that halves what a stage costs the compiler.
template <class F, class... A>
concept calls = requires(const F& f, A&&... a) {
  f(static_cast<A&&>(a)...);
};
// Whether it wants the Context too: only where it cannot be called without, so that `auto...` never meets one.
template <class F, class... A>
concept asks = !calls<F, A...> && calls<F, A..., const Context&>;
template <class F, class... A>
concept callable = calls<F, A...> || calls<F, A..., const Context&>;
template <class F, class... In>
concept callable_with = callable<F, const In&...> || callable<F, In&&...>;

template <class F, class... In>
concept asynchronous_for = !std::is_void_v<completes_t<F>> && (calls<F, const In&..., Completion<completes_t<F>>> ||
                                                               calls<F, In&&..., Completion<completes_t<F>>>);
// Asks for the rarer forms only where the usual one is not meant: that spares the compiler the question.
template <class F, class In>
concept stage_form = callable_with<F, In> || asynchronous_for<F, In> || batch_for<F, In>;

template <class F, class... A>
struct returned {
  using type = decltype(std::declval<const F&>()(std::declval<A>()...));
};
template <class F, class... A>
requires asks<F, A...>
struct returned<F, A...> {
  using type = decltype(std::declval<const F&>()(std::declval<A>()..., std::declval<const Context&>()));
};
template <class F, class... A>
using returned_t = std::decay_t<typename returned<F, A...>::type>;

template <class T>
struct unwrap {
  using type = T;
};
template <class T>
struct unwrap<Result<T>> {
  using type = T;
};
template <class F, class... In>
struct gives : unwrap<returned_t<F, const In&...>> {};
template <class F, class... In>
requires callable<F, In&&...>
struct gives<F, In...> : unwrap<returned_t<F, In&&...>> {
};
template <class F, class... In>
requires(!callable_with<F, In...> && asynchronous_for<F, In...>) struct gives<F, In...> {
  using type = completes_t<F>;
};
template <class F, class In>
requires(!callable_with<F, In> && batch_for<F, In>) struct gives<F, In> {
  using type = typename batch_t<F>::out;
};
template <class S, class M, class F, class In>
struct gives<Stateful<S, M, F>, In> : unwrap<returned_t<F, S&, const In&>> {};
template <class A, class B, class... In>
struct gives<Flow<A, B>, In...> {
  using type = B;
};
// The value type that stage F gives for these inputs.
template <class F, class... In>
using gives_t = typename gives<bare_t<F>, In...>::type;

template <class F, class In>
struct takes_it : std::bool_constant<stage_form<F, In>> {};
template <class A, class B, class In>
struct takes_it<Flow<A, B>, In> : std::is_same<A, In> {};
template <class A, class B, class In>
struct takes_it<ModelStage<A, B>, In> : std::is_same<A, In> {};
template <class S, class M, class F, class In>
struct takes_it<Stateful<S, M, F>, In> : std::bool_constant<callable<F, S&, const In&>> {};
template <class F, class In>
concept stage_for = takes_it<bare_t<F>, In>::value;

}  // namespace detail
}  // namespace tailrace
