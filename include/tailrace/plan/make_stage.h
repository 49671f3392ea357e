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
  unsigned max_batch = 0;   // of a batch stage: requests that one call may answer; 0: 32
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

// ---- contexts: a callable without state needs none

template <class F>
inline constexpr bool stateless = std::is_empty_v<F>&& std::is_default_constructible_v<F>;
template <class F>
std::shared_ptr<const void> hold(F&& f) {
  if constexpr (stateless<F>) return nullptr;
  else return std::make_shared<const F>(std::move(f));
}
template <class F>
decltype(auto) held(const void* context) {
  if constexpr (stateless<F>) return F{};
  else return (*static_cast<const F*>(context));
}

// ---- thunks

template <class T>
inline constexpr bool must_be_destroyed = boxed<T> || !std::is_trivially_destructible_v<T>;

template <class Out, class R>
void store(const Instruction& i, char* frame, R&& r) {
  if constexpr (is_result<std::remove_cvref_t<R>>) {
    if (!r) return head_of(frame).fail(i, frame, r.error());
    emplace_in_slot<Out>(frame + i.out, std::move(*r));
  } else {
    emplace_in_slot<Out>(frame + i.out, std::forward<R>(r));
  }
  if constexpr (must_be_destroyed<Out>) frame[i.live] = 1;
}
template <class Out, class F, class... A>
void call(const Instruction& i, char* frame, A&&... a) {
  decltype(auto) f = held<F>(i.context);
  if constexpr (is_result<returned_t<F, A...>> || boxed<Out>) {
    if constexpr (asks<F, A...>) store<Out>(i, frame, f(static_cast<A&&>(a)..., context_of(i, frame)));
    else store<Out>(i, frame, f(static_cast<A&&>(a)...));
  } else {  // straight into the slot
    if constexpr (asks<F, A...>) ::new (frame + i.out) Out(f(static_cast<A&&>(a)..., context_of(i, frame)));
    else ::new (frame + i.out) Out(f(static_cast<A&&>(a)...));
    if constexpr (must_be_destroyed<Out>) frame[i.live] = 1;
  }
}
template <class In>
In& input(const Instruction& i, char* frame, std::size_t k) {
  return in_slot<In>(frame + i.inputs[k]);
}
// May take the inputs apart.
template <class F, class Out, class... In>
void take_thunk(const Instruction& i, char* frame) {
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    if constexpr (callable<F, In&&...>) call<Out, F>(i, frame, static_cast<In&&>(input<In>(i, frame, K))...);
    else call<Out, F>(i, frame, static_cast<const In&>(input<In>(i, frame, K))...);
  }
  (std::index_sequence_for<In...>{});
}
// Leaves the inputs whole: a function that wants to own them gets copies.
template <class F, class Out, class... In>
void leave_thunk(const Instruction& i, char* frame) {
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    if constexpr (callable<F, const In&...>) call<Out, F>(i, frame, static_cast<const In&>(input<In>(i, frame, K))...);
    else call<Out, F>(i, frame, In(static_cast<const In&>(input<In>(i, frame, K)))...);
  }
  (std::index_sequence_for<In...>{});
}
// The same for one input, without the table of inputs.
template <class F, class Out, class In>
void take_one(const Instruction& i, char* frame) {
  In& in = in_slot<In>(frame + i.in);
  if constexpr (callable<F, In&&>) call<Out, F>(i, frame, static_cast<In&&>(in));
  else call<Out, F>(i, frame, static_cast<const In&>(in));
}
template <class F, class Out, class In>
void leave_one(const Instruction& i, char* frame) {
  const In& in = in_slot<In>(frame + i.in);
  if constexpr (callable<F, const In&>) call<Out, F>(i, frame, in);
  else call<Out, F>(i, frame, In(in));
}

// An asynchronous stage. May take its inputs apart, or leaves them whole.
template <class F, class Out, class... In>
void begin_taking(const Instruction& i, char* frame) {
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    decltype(auto) f = held<F>(i.context);
    f(static_cast<In&&>(input<In>(i, frame, K))...,
      Completion<Out>(head_of(frame).begin(frame, i.inputs[sizeof...(In)])));
  }
  (std::index_sequence_for<In...>{});
}
template <class F, class Out, class... In>
void begin_leaving(const Instruction& i, char* frame) {
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    decltype(auto) f = held<F>(i.context);
    if constexpr (calls<F, const In&..., Completion<Out>>)
      f(static_cast<const In&>(input<In>(i, frame, K))...,
        Completion<Out>(head_of(frame).begin(frame, i.inputs[sizeof...(In)])));
    else
      f(In(static_cast<const In&>(input<In>(i, frame, K)))...,
        Completion<Out>(head_of(frame).begin(frame, i.inputs[sizeof...(In)])));
  }
  (std::index_sequence_for<In...>{});
}

template <class F, class Out, class... In>
constexpr Thunk begin_taking_of() {
  if constexpr (calls<F, In&&..., Completion<Out>>) return begin_taking<F, Out, In...>;
  else return nullptr;
}
template <class F, class Out, class... In>
constexpr Thunk begin_leaving_of() {
  if constexpr (calls<F, const In&..., Completion<Out>> || (copyable<In> && ...)) return begin_leaving<F, Out, In...>;
  else return nullptr;
}

template <class F>
void call_batch(const void* context, BatchRow* rows, std::size_t count) {
  decltype(auto) f = held<F>(context);
  Batch<typename batch_t<F>::in, typename batch_t<F>::out> batch({rows, count});
  f(batch);
}
template <class F>
void batch_of_one(const Instruction& i, char* frame) {
  BatchRow row = row_of(i, frame);
  call_batch<F>(i.context, &row, 1);
  if (!row.done) fail_forgotten(row);
}

// A stateful stage's state stands in a slot behind those of its inputs.
template <class S, class M, class F, class In>
void call_stateful(const Instruction& i, char* frame) {
  S& state = **reinterpret_cast<S**>(frame + i.inputs[1]);
  const auto& stage = *static_cast<const Stateful<S, M, F>*>(i.context);
  using Out = gives_t<Stateful<S, M, F>, In>;
  const In& in = in_slot<In>(frame + i.in);
  if constexpr (asks<F, S&, const In&>) store<Out>(i, frame, stage.function(state, in, context_of(i, frame)));
  else store<Out>(i, frame, stage.function(state, in));
}

template <class F, class Out, class... In>
constexpr Thunk take_thunk_of() {
  if constexpr (callable<F, const In&...> && (std::is_trivially_copyable_v<In> && ...)) return nullptr;  // as leave
  else if constexpr (sizeof...(In) == 1) return take_one<F, Out, In...>;
  else return take_thunk<F, Out, In...>;
}
template <class F, class Out, class... In>
constexpr Thunk leave_thunk_of() {
  if constexpr (!callable<F, const In&...> && !(copyable<In> && ...)) return nullptr;
  else if constexpr (sizeof...(In) == 1) return leave_one<F, Out, In...>;
  else return leave_thunk<F, Out, In...>;
}

// `take` null: as `leave`.
Stage assemble(std::initializer_list<const Type*> takes, const Type& gives, Thunk take, Thunk leave,
               std::shared_ptr<const void> context);
Stage with_options(Stage stage, StageOptions options);
Stage with_model(Stage stage, const ModelUse& use);
Stage asynchronous(Stage stage);
Stage with_batch(Stage stage, BatchThunk batch);
Stage with_state(Stage stage, const StateOps* ops, const StatefulOptions& options);

template <class F, class... In>
Stage make_asynchronous(F f) {
  using Out = completes_t<F>;
  return asynchronous(assemble({&type_of<In>...}, type_of<Out>, begin_taking_of<F, Out, In...>(),
                               begin_leaving_of<F, Out, In...>(), hold(std::move(f))));
}
template <class F>
Stage make_batch(F f) {
  Stage s = assemble({&type_of<typename batch_t<F>::in>}, type_of<typename batch_t<F>::out>, nullptr, batch_of_one<F>,
                     hold(std::move(f)));
  return with_batch(std::move(s), call_batch<F>);
}
template <class In, class S, class M, class F>
Stage make_stateful(Stateful<S, M, F> f) {
  const StatefulOptions options = f.options;
  Stage s = assemble({&type_of<In>}, type_of<gives_t<Stateful<S, M, F>, In>>, nullptr, call_stateful<S, M, F, In>,
                     std::make_shared<const Stateful<S, M, F>>(std::move(f)));
  return with_state(std::move(s), state_ops<S, M, F>(), options);
}

template <class... In, class F>
Stage make_stage(F f) {
  if constexpr (is_wrapped<F>) {
    return with_options(make_stage<In...>(std::move(f.function)), std::move(f.options));
  } else if constexpr (std::is_member_pointer_v<F>) {
    return make_stage<In...>(std::mem_fn(f));
  } else if constexpr (is_model_stage<F>) {
    Stage s = with_model(assemble({&type_of<In>...}, type_of<gives_t<F, In...>>, nullptr,
                                  leave_thunk_of<F, gives_t<F, In...>, In...>(), nullptr),
                         f.use());
    s.context = hold(std::move(f));
    s.bind = [](const void* context, std::shared_ptr<const Model> model) -> std::shared_ptr<const void> {
      return std::make_shared<const F>(static_cast<const F*>(context)->with(std::move(model)));
    };
    return s;
  } else if constexpr (is_stateful<F>) {
    return make_stateful<In...>(std::move(f));
  } else if constexpr (!callable_with<F, In...>) {
    if constexpr ((batch_for<F, In> && ...)) return make_batch(std::move(f));
    else return make_asynchronous<F, In...>(std::move(f));
  } else {
    using Out = gives_t<F, In...>;
    return assemble({&type_of<In>...}, type_of<Out>, take_thunk_of<F, Out, In...>(), leave_thunk_of<F, Out, In...>(),
                    hold(std::move(f)));
  }
}

Test with_options(Test test, StageOptions options);

template <class T, class F>
Test make_test(F f) {
  if constexpr (is_wrapped<F>) {
    return with_options(make_test<T>(std::move(f.function)), std::move(f.options));
  } else if constexpr (std::is_member_pointer_v<F>) {
    return make_test<T>(std::mem_fn(f));
  } else {
    Test t;
    t.run = [](const void* context, void* slot) -> std::size_t {
      decltype(auto) test = held<F>(context);
      return static_cast<std::size_t>(test(static_cast<const T&>(in_slot<T>(slot))));
    };
    t.context = hold(std::move(f));
    t.takes = &type_of<T>;
    return t;
  }
}

}  // namespace detail
}  // namespace tailrace
