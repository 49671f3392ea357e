#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>

#include "tailrace/core/clock.h"
#include "tailrace/engine/executor.h"
#include "tailrace/model/registry.h"
#include "tailrace/plan/handles.h"
#include "tailrace/plan/profile.h"

namespace tailrace {

// How to measure.
struct MeasureOptions {
  Registry models{};     // what models asked for by name are looked up in; every variant there is measured
  unsigned rounds = 25;  // each runs every sample once, so that what disturbs one stage disturbs all
  unsigned warm_up = 2;  // rounds before them that do not count
  Duration budget = std::chrono::seconds(2);  // about so long at most, but at least one sample
  std::shared_ptr<Executor> executor{};       // whose wake-up is measured; one of the library's own where none is given
  // Told now and then what share is done, 0 to 1, on the calling thread. What it throws ends the measuring.
  std::function<void(double done)> progress{};
};

namespace detail {
// Puts a copy of the i-th sample into a slot.
using MakeSample = void (*)(void* slot, const void* samples, std::size_t i);
Built<Profile> measure_graph(const std::shared_ptr<const Graph>& graph, const void* samples, std::size_t count,
                             MakeSample make, const MeasureOptions& options);
}  // namespace detail

// What the stages of a flow cost, by running them on the calling thread, one after another, over the samples: every
// stage, model and arm, on the values that reach it. Arms that a request would not take are run too, and so is every
// variant of a model. Also what waking a thread and ending a block cost, as far as an executor shows.
//
//   std::vector<Image> samples = …;                                     // as the flow will get them
//   tr::Profile profile = tr::measure(classify, samples).value();
//   write(tr::write_profile(profile).value());
//
// Stages are called often, some several times on one value, so they must not mind. One that fails on a sample is in the
// profile with its failures, and what would have read its value is not run on that sample. Of a race's arms the first
// valid one, in their order, goes on. Nothing is printed. Memory: at most 64 KiB for each stage.
//
// Errors: no sample, no round, whatever optimise finds wrong with the flow, and out_of_memory.
template <class In, class Out>
Built<Profile> measure(const Flow<In, Out>& flow, std::type_identity_t<std::span<const In>> samples,
                       const MeasureOptions& options = {}) {
  static_assert(detail::copyable<In>, "tailrace: measure copies its samples, so the flow's input must be copyable");
  return detail::measure_graph(
      flow.share(), samples.data(), samples.size(),
      [](void* slot, const void* all, std::size_t i) {
        detail::emplace_in_slot<In>(slot, static_cast<const In*>(all)[i]);
      },
      options);
}

}  // namespace tailrace
