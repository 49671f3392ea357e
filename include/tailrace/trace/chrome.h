#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "tailrace/core/observer.h"
#include "tailrace/core/problems.h"

namespace tailrace::trace {

// Keeps what engines do, to be looked at in Perfetto (ui.perfetto.dev) or chrome://tracing: one line for each thread
// with the calls that ran on it, one for each kind of waiting, one for the requests, and arrows that lead a request
// from call to call. Format: "Trace Event Format", as JSON.
class Chrome final : public Observer {
 public:
  // Past `max_events` (about 80 bytes each) further ones are only counted.
  explicit Chrome(std::size_t max_events = 1'000'000) : max_events_(max_events) {}

  void on_event(const Event& event) noexcept override;
  Detail detail() const noexcept override { return Detail::stages; }

  // What was seen so far. Throws std::bad_alloc.
  std::string json() const;
  // Writes it to a file. Errors: bad_file, with the system's reason.
  Problems write(const std::string& path) const;

 private:
  struct Kept {
    Event::Kind kind;
    Code code;
    std::uint32_t arm, padded, thread, where, what;  // texts by number
    std::uint64_t request;
    TimePoint began, at;
  };
  std::uint32_t number_of(std::string_view text);
  void keep(const Event& event);

  const std::size_t max_events_;
  mutable std::mutex mutex_;
  std::vector<Kept> kept_;
  std::size_t dropped_ = 0;
  std::vector<std::string> texts_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

// An observer that writes its trace to the file when the last engine that it observes is gone; a failure to write is
// printed nowhere, and `problems`, if given, gets it.
std::shared_ptr<Observer> to_file(std::string path, std::shared_ptr<Problems> problems = nullptr);

// The same for the file that the environment variable TAILRACE_TRACE names, so that a program which gives this to its
// engines can be traced without being built anew; null where the variable is not set or empty.
std::shared_ptr<Observer> from_environment();

}  // namespace tailrace::trace
