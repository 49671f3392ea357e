#pragma once
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "tailrace/core/observer.h"
#include "tailrace/engine/executor.h"

namespace tailrace::sim {

// Writes down what an engine does, one line an event: the nanoseconds since this was made by the executor's clock, what
// happened, where, the arm, rung or rows, and the error. On virtual time the same run gives the same text, with every
// compiler.
//
//   1500000 arm_won label 1
//   1500000 answered
//   2000000 answered deadline_missed: the deadline passed before there was an answer
class EventLog final : public Observer {
 public:
  explicit EventLog(std::shared_ptr<const Executor> clock) : clock_(std::move(clock)), start_(clock_->now()) {}
  void on_event(const Event& event) noexcept override;
  // A line of the user's own.
  void note(const std::string& text);
  std::string text() const;

 private:
  void add(TimePoint at, const std::string& line);

  const std::shared_ptr<const Executor> clock_;
  const TimePoint start_;
  mutable std::mutex mutex_;
  std::string text_;
};

// The same as CSV, line by line into a stream: docs/events.md says what stands in its columns. Live and simulated
// alike.
//
//   std::ofstream file("events.csv");
//   auto engine = tr::start(plan, {.executor = executor, .observer = std::make_shared<sim::EventTable>(executor,
//   file)});
//
// The stream must live as long as the engine. A simulation's requests have ids from `first_request` on, and count from
// 0.
class EventTable final : public Observer {
 public:
  EventTable(const std::shared_ptr<const Executor>& clock, std::ostream& out, std::uint64_t first_request = 0,
             Detail detail = Detail::outcomes);
  void on_event(const Event& event) noexcept override;
  Detail detail() const noexcept override { return detail_; }

 private:
  const TimePoint start_;
  const std::uint64_t first_request_;
  const Detail detail_;
  std::mutex mutex_;
  std::ostream& out_;
};

// Whether `arm` says anything in events of this kind.
bool has_arm(Event::Kind kind) noexcept;
// A field of CSV: in quotes where it needs them.
std::string csv_field(std::string_view text);

}  // namespace tailrace::sim
