#pragma once
#include <memory>
#include <string_view>
#include <utility>

#include "tailrace/plan/graph.h"
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
  static_assert(Ok, "tailrace: this stage is a mutable lambda or has no const operator(); stages run on several threads at once and must not change themselves");
};
template <bool Ok, class Stage, class StreamCarries>
struct stage_must_not_take_a_mutable_reference {
  static_assert(Ok, "tailrace: this stage takes its input as T&; take const T& to read it or T&& to own it");
};
template <bool Ok, class Stage>
struct stage_must_return_a_value {
  static_assert(Ok, "tailrace: this stage returns nothing; a stage must return a value or a Result");
};

namespace detail {

// What every member returns after a mistake, so that one mistake gives one message.
struct Broken {
  template <class... A>
  Broken then(A&&...) const;
};

template <class F, class T>
concept changes_itself = !stage_for<F, T> && (std::invocable<bare_t<F>&, const T&> || std::invocable<bare_t<F>&, T&&>);
template <class F, class T>
concept wants_mutable = !stage_for<F, T> && std::invocable<bare_t<F>&, T&>;

// True when F is a stage for T; otherwise does not compile, and says why.
template <class F, class T>
constexpr bool check_stage() {
  if constexpr (stage_for<F, T>) {
    constexpr bool value = !std::is_void_v<gives_t<F, T>>;
    return sizeof(stage_must_return_a_value<value, F>) && value;
  } else if constexpr (changes_itself<F, T>) {
    return sizeof(stage_must_not_change_itself<false, F, T>) && false;
  } else if constexpr (wants_mutable<F, T>) {
    return sizeof(stage_must_not_take_a_mutable_reference<false, F, T>) && false;
  } else {
    return sizeof(stage_must_take_what_the_stream_carries<false, F, T>) && false;
  }
}

// A place in a flow that is being written.
struct Edge {
  std::shared_ptr<Graph> graph;
  int node = 0;
};
Edge begin_flow(std::string_view name, const Type& input);
std::shared_ptr<const Graph> finish_flow(const Edge& begin, const Edge& output);
Edge add_stage(const Edge& in, std::string_view name, Stage stage);
Edge add_flow(const Edge& in, std::string_view name, const Graph& flow);
Edge add_join(const Edge* ins, std::size_t count, std::string_view name, Stage stage);

}  // namespace detail

// A typed edge of a flow that is being written: the values that one stage gives and the next ones take. Cheap to copy;
// means nothing once the flow is finished.
template <class T>
class Stream {
 public:
  explicit Stream(detail::Edge edge) : edge_(std::move(edge)) {}

  // This stream's values through one more stage: a function of const T&, T or T&&, each also with const Context&
  // behind, giving a value or a Result; a model; a flow; or one of these with options (tr::stage). The name must be
  // unique in the flow: it stands in errors, explanations and traces.
  template <class F>
  auto then(std::string_view name, F f) const {
    if constexpr (detail::check_stage<F, T>()) {
      using Out = detail::gives_t<F, T>;
      if constexpr (detail::is_flow<F>) return Stream<Out>(detail::add_flow(edge_, name, f.graph()));
      else return Stream<Out>(detail::add_stage(edge_, name, detail::make_stage<T>(std::move(f))));
    } else {
      return detail::Broken{};
    }
  }

  const detail::Edge& edge() const { return edge_; }

 private:
  detail::Edge edge_;
};

}  // namespace tailrace
