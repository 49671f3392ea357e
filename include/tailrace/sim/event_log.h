#pragma once
#include <memory>
#include <mutex>
#include <string>

#include "tailrace/core/observer.h"
#include "tailrace/engine/executor.h"

namespace tailrace::sim {

// Writes down what an engine does, one line an event: the nanoseconds since this was made by the executor's clock, what
// happened, where, the arm or rung, and the error. On virtual time the same run gives the same text, with every
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
  void add(std::string line);

  const std::shared_ptr<const Executor> clock_;
  const TimePoint start_;
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace tailrace::sim
