#pragma once
#include <concepts>
#include <type_traits>
#include <utility>

#include "tailrace/core/batch.h"
#include "tailrace/core/completion.h"
#include "tailrace/plan/stage.h"

// Stages with other signatures than `Out f(In)`: asynchronous, batch and stateful ones.
namespace tailrace {

struct StatefulOptions {
  bool per_stream = false;      // a state for each Request::stream; else one for each replica
  unsigned replicas = 1;        // calls at a time, each with a state of its own; not with per_stream
  unsigned max_streams = 1024;  // states kept; past it the one used longest ago makes room
};

// What tr::stateful makes.
template <class State, class Make, class F>
struct Stateful {
  Make make;
  F function;
  StatefulOptions options;
};

namespace detail {

template <class State>
struct Construct {
  State operator()() const { return State(); }
};

}  // namespace detail

// A stage that remembers: `Out f(State&, const In&)`, also with `const Context&` behind, one call at a time for each
// state. A state is made by State() or by `make()`, on the thread that needs it first; both may throw, which fails the
// request. States live as long as an engine that uses the stage.
//
//   s.then("smooth", tr::stateful<Window>([](Window& w, const Sample& x) { return w.add(x); }, {.per_stream = true}))
template <class State, class F>
Stateful<State, detail::Construct<State>, F> stateful(F function, StatefulOptions options = {}) {
  return {{}, std::move(function), options};
}
template <class Make, class F>
requires std::invocable<const Make&>
auto stateful(Make make, F function, StatefulOptions options = {}) {
  return Stateful<std::invoke_result_t<const Make&>, Make, F>{std::move(make), std::move(function), options};
}

namespace detail {

// The last parameter of a function, a lambda or another object with one operator(); void where there is none.
template <class F>
struct last_parameter {
  using type = void;
};
template <class... A>
struct last_of {
  using type = typename decltype((std::type_identity<void>{}, ..., std::type_identity<A>{}))::type;
};
template <class R, class... A>
struct last_parameter<R (*)(A...)> : last_of<A...> {};
template <class R, class... A>
struct last_parameter<R (*)(A...) noexcept> : last_of<A...> {};
template <class R, class C, class... A>
struct last_parameter<R (C::*)(A...) const> : last_of<A...> {};
template <class R, class C, class... A>
struct last_parameter<R (C::*)(A...) const noexcept> : last_of<A...> {};
template <class F>
requires requires { &F::operator(); }
struct last_parameter<F> : last_parameter<decltype(&F::operator())> {};

template <class T>
struct completion_of {
  using type = void;
};
template <class Out>
struct completion_of<Completion<Out>> {
  using type = Out;
};
// What an asynchronous stage completes with; void where F is none.
template <class F>
using completes_t = typename completion_of<std::remove_cvref_t<typename last_parameter<F>::type>>::type;

template <class T>
struct batch_of {
  using in = void;
  using out = void;
};
template <class In, class Out>
struct batch_of<Batch<In, Out>&> {
  using in = In;
  using out = Out;
};
template <class F>
using batch_t = batch_of<typename last_parameter<F>::type>;

template <class F, class In>
concept batch_for = std::same_as<typename batch_t<F>::in, In>;

template <class F>
inline constexpr bool is_stateful = false;
template <class State, class Make, class F>
inline constexpr bool is_stateful<Stateful<State, Make, F>> = true;

// The row that a batch stage's instruction stands for in one frame.
BatchRow row_of(const Instruction& i, char* frame) noexcept;
// For rows that got neither a value nor an error.
void fail_forgotten(BatchRow& row) noexcept;

template <class State, class Make, class F>
const StateOps* state_ops() {
  static constexpr StateOps ops{[](const void* context) -> void* {
                                  return new State(static_cast<const Stateful<State, Make, F>*>(context)->make());
                                },
                                [](void* state) noexcept { delete static_cast<State*>(state); }};
  return &ops;
}

}  // namespace detail
}  // namespace tailrace
