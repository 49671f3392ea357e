#pragma once
#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "tailrace/core/batch.h"
#include "tailrace/model/batch_times.h"
#include "tailrace/plan/callables.h"

namespace tailrace::sim {

// A batch stage that takes the time of a table: see batch_service().
template <class In, class F>
class BatchService {
 public:
  using Out = std::decay_t<std::invoke_result_t<const F&, const In&>>;

  BatchService(F f, BatchTimes times)
      : shared_(std::make_shared<const Shared>(Shared{std::move(f), std::move(times)})) {}

  void operator()(Batch<In, Out>& batch) const {
    for (std::size_t i = 0; i < batch.size(); ++i) batch.put(i, shared_->f(batch.in(i)));
  }
  // Of a call that runs as so many rows.
  Duration simulated_time(std::uint32_t rows) const {
    return shared_->times.known() ? to_duration(shared_->times.seconds(rows)) : Duration{};
  }

 private:
  struct Shared {
    F f;
    BatchTimes times;
  };
  std::shared_ptr<const Shared> shared_;
};

// A stage whose calls answer several requests and take the medians of a table, by the number of rows that they run as:
// in a simulation it stands for a model. Each row's value is its input, or what `f` makes of it when the call is over.
//
//   const auto f = tr::flow<int>("model", [&](tr::Stream<int> x) {
//     return x.then("label", tr::stage(sim::batch_service<int>(times), {.max_batch = 32, .batch = {"table"}, .times =
//     times}));
//   });
//
// On virtual time it costs nothing but the events, and holds one of the executor's workers; live it sleeps on one.
template <class In, class F>
requires std::invocable<const F&, const In&>
auto batch_service(BatchTimes times, F f) { return BatchService<In, F>(std::move(f), std::move(times)); }
template <class T>
auto batch_service(BatchTimes times) {
  return batch_service<T>(std::move(times), [](const T& in) { return in; });
}

}  // namespace tailrace::sim
