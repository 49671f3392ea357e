#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tailrace/core/clock.h"
#include "tailrace/core/outcome.h"
#include "tailrace/core/problems.h"
#include "tailrace/load/arrivals.h"
#include "tailrace/load/quantiles.h"
#include "tailrace/load/samples.h"

// Load for whatever can be submitted to, in real time:
//
//   auto engine = tr::start(plan, {.threads = 4}).value();
//   auto image = [&](std::uint64_t n) { return images[n % images.size()]; };
//   auto report = load::drive(load::Poisson{2000}, load::into(engine, image, tr::Request{.within = 10ms}),
//                             {.until = 20s, .goal = 10ms}).value();
//   std::cout << load::to_text(report);
namespace tailrace::load {

// Tells the driver the outcome of one request. A copy is as good as the original; one of them is called, once, from any
// thread. It takes no memory, and a lock only where clients wait in a closed loop.
class Done {
 public:
  class Ledger;  // the driver's
  Done(Ledger& ledger, std::uint64_t number) noexcept : ledger_(&ledger), number_(number) {}

  std::uint64_t number() const noexcept { return number_; }  // of the request, from 0
  std::uint64_t id() const noexcept;    // for Request::id: the one that a simulation with this seed gives it
  TimePoint intended() const noexcept;  // when it was to be sent

  // Answered, or failed with `code`.
  void operator()(Code code = Code::none, const Facts& facts = {}) const noexcept;
  template <class T>
  void operator()(const Outcome<T>& outcome) const noexcept {
    (*this)(outcome ? Code::none : outcome.error().code(), outcome);
  }

 private:
  Ledger* ledger_;
  std::uint64_t number_;
};

// Starts a request and returns soon; the driver calls it on its one thread. One that throws keeps no Done.
using Submit = std::function<void(Done)>;

// A Submit for a live engine. `input(n)` makes the input of the n-th request; `request` (an engine's Request) says what
// all of them ask for. `within` counts from when a request was to be sent. The engine must outlive the drive.
template <class Engine, class Input, class Request>
Submit into(Engine& engine, Input input, Request request) {
  return [&engine, input = std::move(input), request = std::move(request)](Done done) {
    Request r = request;
    r.id = done.id();
    if (r.within > Duration{} && r.within < r.deadline - done.intended()) r.deadline = done.intended() + r.within;
    r.within = {};
    const auto status = engine.submit(input(done.number()), r, [done](const auto& outcome) { done(outcome); });
    if (!status) done(status.error().code());
  };
}

struct DriveOptions {
  std::uint64_t seed = 1;  // of the arrivals
  // So many requests count, at most; memory for them, about 100 bytes each, is taken before the first is sent.
  std::uint64_t requests = 1'000'000;
  std::uint64_t warm_up = 0;         // requests before them, which do not count
  Duration until = Duration::max();  // nothing is sent later
  // Ends once the 95 % interval of the p99 is narrower than this share of it, and 1000 requests have been answered;
  // 0: never. Looking now and then makes such an interval a little too narrow.
  double precise = 0;
  Duration goal{};                               // answers within it count as good; zero: all answers do
  Duration patience = std::chrono::seconds(10);  // waits so long for outcomes when all has been sent
  // Sleeps until so long before a request is due, and then looks at the clock: more is more punctual, and busier.
  Duration spin = std::chrono::microseconds(100);
};

struct DriveReport {
  enum class End : std::uint8_t { requests, until, arrivals, precise };
  struct Outcomes {
    Code code = Code::none;  // none: answered with a value
    std::uint64_t requests = 0;
  };

  std::uint64_t seed = 0;
  std::uint64_t requests = 0;      // that count
  std::uint64_t warm_up = 0;       // sent before them
  Duration time{};                 // from the first one's arrival to the last answer
  End end = End::requests;         // what ended it
  std::vector<Outcomes> outcomes;  // by code
  std::uint64_t unanswered = 0;    // no outcome came in time
  std::uint64_t anytime = 0, fallback = 0, late = 0;
  Latencies latency;  // of those with a value, from when they were to be sent
  Duration goal{};
  std::uint64_t good = 0;         // answered with a value within the goal
  Latencies lateness;             // of the generator, with what it needs to submit; of clients of a closed loop, too
  std::optional<double> foreign;  // processor time of others while this ran: see load/foreign.h
  std::vector<Sample> samples;    // of all requests that were sent, the warm-up first

  std::uint64_t count(Code code) const noexcept;
  double rate() const noexcept;     // requests a second
  double goodput() const noexcept;  // good ones a second
};

// Sends requests when `arrivals` say, whatever becomes of those before: latencies count from the intended time, so that
// a system that falls behind is not spared (no coordinated omission). A closed loop's clients send when they have
// thought. The calling thread is the generator, and needs a processor to itself; it takes no memory while it sends.
//
// Errors: what is wrong with arrivals or options; what `submit` throws; out_of_memory. Requests that are still open
// when patience ends are counted as unanswered, and their Done may be called at any time later.
Built<DriveReport> drive(const Arrivals& arrivals, const Submit& submit, const DriveOptions& options = {});

// What the samples say: all of the report but the seed, what ended it and the foreign load.
DriveReport summarise(std::vector<Sample> samples, std::uint64_t warm_up, Duration goal);

// For people, a few lines.
std::string to_text(const DriveReport& report, std::string_view name);
// Everything but the samples, as one JSON object; times are seconds. Ends in a newline.
std::string to_json(const DriveReport& report);

std::string_view name(DriveReport::End end) noexcept;

}  // namespace tailrace::load
