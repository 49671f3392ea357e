#pragma once
#include <string_view>

#include "tailrace/flow/stream.h"
#include "tailrace/plan/handles.h"

namespace tailrace {

namespace detail {
template <class In, class T>
Flow<In, T> finished(const Edge& begin, const Stream<T>& output) {
  return Flow<In, T>(finish_flow(begin, output.edge()));
}
template <class In>
Flow<In, In> finished(const Edge& begin, Broken) {
  return Flow<In, In>(finish_flow(begin, begin));
}
}  // namespace detail

// Writes a flow: `build` gets the input's stream and returns the output's.
//
//   auto classify = tr::flow<Image>("classify", [&](tr::Stream<Image> image) {
//     return image.then("normalise", normalise).then("label", large);
//   });                                                                 // Flow<Image, Label>
//
// Mistakes that only show when it runs (a name used twice, a stream of another flow, a stream nobody reads) are
// recorded in the graph and reported, all of them, by verify, optimise and start.
template <class In, class Build>
auto flow(std::string_view name, Build build) {
  const detail::Edge begin = detail::begin_flow(name, type_of<In>);
  return detail::finished<In>(begin, build(Stream<In>(begin)));
}

}  // namespace tailrace
