#pragma once
#include <memory>
#include <string>

#include "tailrace/core/observer.h"

namespace tailrace::trace {

// Counts what engines do, for a monitoring system to read: requests by outcome and how long they took, calls and waits
// of every stage, batches, winners, exits. One may observe several engines.
//
//   auto metrics = std::make_shared<tr::trace::Metrics>();
//   auto engine = tr::start(flow, {.observer = metrics}).value();
//   …
//   serve("/metrics", metrics->text());
//
// Any thread may read while engines run: each number is exact, and numbers of one moment may differ by requests that
// are being counted. A stage costs some 50 ns. Recording locks only for a name that is seen first, and takes memory
// only then. Past `max_series` names further ones are counted together, as "(other)".
class Metrics final : public Observer {
 public:
  explicit Metrics(std::size_t max_series = 1024);
  ~Metrics() override;

  void on_event(const Event& event) noexcept override;
  Detail detail() const noexcept override { return Detail::stages; }

  // The text format that Prometheus reads, version 0.0.4
  // (https://prometheus.io/docs/instrumenting/exposition_formats/); times in seconds. With `open_metrics` as
  // OpenMetrics 1.0 has it: the same, ended by "# EOF".
  enum class Format { prometheus, open_metrics };
  std::string text(Format format = Format::prometheus) const;

 private:
  struct Table;
  const std::unique_ptr<Table> table_;
};

}  // namespace tailrace::trace
