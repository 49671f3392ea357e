#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/core/error.h"

namespace tailrace::sim {

// Times of many requests. Exact: quantiles are values that occurred, the smallest that this share of the requests did
// not exceed, and not estimates of a sketch.
struct Latencies {
  std::uint64_t count = 0;
  Duration mean{}, p50{}, p90{}, p99{}, p999{}, max{};
  bool operator==(const Latencies&) const = default;
};
Latencies summarise(std::vector<Duration> times);

// What a simulation saw of the requests that it counts (not those of its warm-up). What is a mean over time is taken
// from the first of these to the last one's arrival, and weighs every state by how long it lasted.
struct Report {
  struct Outcomes {
    Code code = Code::none;  // none: answered with a value
    std::uint64_t requests = 0;
    std::string example;  // the first one's error
  };
  // A stage that takes simulated time.
  struct Stage {
    std::string where;
    std::uint64_t calls = 0;
    double running = 0;   // calls at the same time, mean
    double wasted = 0;    // the same of those whose answers nobody wanted any more when they ended
    unsigned places = 0;  // how many there can be: its limit, or the workers; 0: any number
    double utilisation() const noexcept { return places ? running / places : 0; }
  };
  // What waits for its turn: at a stage with a limit, or (without a name) for a worker.
  struct Queue {
    std::string where;
    double mean = 0;
    std::uint32_t most = 0;
  };

  std::string flow;
  std::uint64_t seed = 0;
  unsigned workers = 0;
  std::uint64_t requests = 0;      // each has one outcome
  Duration time{};                 // from the first one's arrival to the last one's
  std::vector<Outcomes> outcomes;  // by code
  std::uint64_t anytime = 0, fallback = 0, late = 0;
  // Of hedges: copies started, how many of them answered first, and how many the budget refused.
  std::uint64_t copies = 0, copies_won = 0, copies_refused = 0;
  Latencies latency;     // of those with a value, from when they arrived
  double held = 0;       // workers that stages kept busy, mean
  double in_flight = 0;  // requests arrived and not answered, mean
  std::uint32_t most_in_flight = 0;
  std::vector<Stage> stages;
  std::vector<Queue> queues;  // for workers first

  std::uint64_t count(Code code) const noexcept;
  double worker_utilisation() const noexcept { return workers ? held / workers : 0; }
  // Copies per request.
  double duplicates() const noexcept {
    return requests ? static_cast<double>(copies) / static_cast<double>(requests) : 0;
  }
  // The share of what stages took that was for nothing: of losers of races and hedges, and of calls that came too late.
  double wasted() const noexcept;
};

// For people, a few lines.
std::string to_text(const Report& report);
// Everything, as one JSON object; times are seconds. Ends in a newline.
std::string to_json(const Report& report);

}  // namespace tailrace::sim
