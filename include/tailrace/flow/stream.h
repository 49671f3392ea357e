#pragma once
#include <memory>
#include <string_view>
#include <utility>

#include "tailrace/flow/mistakes.h"
#include "tailrace/plan/graph.h"
#include "tailrace/plan/make_stage.h"

namespace tailrace {

namespace detail {

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
    if constexpr (detail::good_stage<F, T>) {
      using Out = detail::gives_t<F, T>;
      if constexpr (detail::is_flow<F>) return Stream<Out>(detail::add_flow(edge_, name, f.graph()));
      else return Stream<Out>(detail::add_stage(edge_, name, detail::make_stage<T>(std::move(f))));
    } else {
      detail::complain_of_stage<F, T>();
      return detail::Broken{};
    }
  }

  const detail::Edge& edge() const { return edge_; }

 private:
  detail::Edge edge_;
};

}  // namespace tailrace
