#pragma once
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "tailrace/plan/callables.h"

// How a callable becomes a Stage or a Test.
namespace tailrace {
namespace detail {

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

// A model that starts its calls.
template <class F, class Out, class In>
void begin_model(const Instruction& i, char* frame) {
  decltype(auto) f = held<F>(i.context);
  f.start(static_cast<const In&>(input<In>(i, frame, 0)), Completion<Out>(head_of(frame).begin(frame, i.inputs[1])));
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
void call_batch(const void* context, const BatchCall& call) {
  decltype(auto) f = held<F>(context);
  Batch<typename batch_t<F>::in, typename batch_t<F>::out> batch(call);
  f(batch);
}
template <class In, class F>
void model_batch(const void* context, const BatchCall& call) {
  Batch<In, typename F::output> batch(call);
  static_cast<const F*>(context)->answer(batch);
}
// Where its time is simulated (sim/batch.h).
template <class F>
constexpr BatchTimeThunk batch_time_of() {
  if constexpr (requires(const F& f) { f.simulated_time(1u); })
    return [](const void* context, std::uint32_t rows) { return held<F>(context).simulated_time(rows); };
  else return nullptr;
}
template <class F>
void batch_of_one(const Instruction& i, char* frame) {
  BatchRow row = row_of(i, frame);
  call_batch<F>(i.context, {&row, 1, 1});
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
Stage with_model(Stage stage, const ModelUse& use, BatchThunk together);
Stage asynchronous(Stage stage);
Stage with_batch(Stage stage, BatchThunk batch, BatchTimeThunk takes);
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
  return with_batch(std::move(s), call_batch<F>, batch_time_of<F>());
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
    Stage s = assemble({&type_of<In>...}, type_of<gives_t<F, In...>>, nullptr,
                       leave_thunk_of<F, gives_t<F, In...>, In...>(), nullptr);
    s.later = begin_model<F, gives_t<F, In...>, In...>;
    s = with_model(std::move(s), f.use(), model_batch<In..., F>);
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
