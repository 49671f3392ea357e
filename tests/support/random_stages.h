#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "support/random_flow.h"
#include "tailrace/engine/executor.h"
#include "tailrace/flow/flow.h"

// The stages of random flows that answer later, wait for their turn, remember, or answer several requests at once. What
// they give depends on the value that they see alone; when, from where and beside whom they give it does not.
namespace tailrace::test {

// A number that depends on the text and on the stage.
unsigned mix(const std::string& text, unsigned stage);
// The text and one letter more.
Token extend(const std::string& text, unsigned stage);

// What these stages noticed, of one engine at a time.
struct Noticed {
  std::atomic<unsigned> overlaps{0};       // calls beside as many as the station allows, or beside one of their state
  std::atomic<unsigned> past_deadline{0};  // calls that began past their request's deadline, on virtual time
  std::atomic<unsigned> taken_twice{0};    // further uses of a Completion that were not refused
  std::atomic<unsigned> too_late{0};       // first uses that were
};

// Between its making and its end Completions are used by other threads and by timers of the executor, if there is one;
// otherwise, as for the reference, at once.
class Elsewhen {
 public:
  Elsewhen(Executor* executor, bool virtual_time);
  ~Elsewhen();
  Elsewhen(const Elsewhen&) = delete;
  Elsewhen& operator=(const Elsewhen&) = delete;
  // Waits until everybody who was to use a Completion has returned.
  bool settled() const;
  // REQUIRES: settled()
  const Noticed& noticed() const noexcept { return noticed_; }
  // What no engine may do, in words; empty: nothing of it was seen.
  std::string wrong() const;

  // ---- for stages

  void begins(TimePoint deadline) noexcept;  // a call for a request with this deadline
  void overlap() noexcept { ++noticed_.overlaps; }
  void used(bool taken, bool again) noexcept;
  Executor* executor() const noexcept { return executor_; }
  void hand_over() noexcept { ++under_way_; }
  void handed_back() noexcept { --under_way_; }

 private:
  Executor* const executor_;
  const bool virtual_time_;
  std::atomic<int> under_way_{0};
  Noticed noticed_;
};

// One of the forms, named after `form`; `n` makes it a stage of its own.
inline constexpr unsigned later_forms = 10;
Stream<Token> later_stage(const Stream<Token>& s, const std::string& name, unsigned form, unsigned n);

}  // namespace tailrace::test
