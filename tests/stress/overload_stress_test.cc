// Seconds of twice the load that an engine can carry, from several threads: for ThreadSanitizer, and for the bounds
// that must hold where everything is late. TAILRACE_SOAK_SECONDS says how many; 3 by default. checks: cancel-meets,
// request-one
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <stop_token>
#include <thread>

#include "support/check.h"
#include "support/steps.h"
#include "tailrace/exec/pool.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

constexpr unsigned workers = 2, clients = 3;
constexpr auto work = 200us;  // of a request, on one worker
constexpr std::uint32_t max_in_flight = 32;

std::chrono::milliseconds soak() {
  const char* const given = std::getenv("TAILRACE_SOAK_SECONDS");
  return std::chrono::seconds(given ? std::max(1, std::atoi(given)) : 3);
}

int busy(int x, const Context& c) {
  for (const auto end = Clock::now() + work / 4; Clock::now() < end;) c.checkpoint();
  return x;
}

// Four calls, hedged, raced, in turns, one after another with an early exit: all that competes for an answer.
Flow<int, int> loaded_flow() {
  const auto sure = [](int x) { return x % 4 == 0; };
  return from_int([=](Stream<int> s) {
    const auto hedged = hedge("h", s, {"adaptive"}, stage(busy, {.replicable = true}));
    const auto raced = race("r", hedged, busy, fail_if(7));
    const auto turned = raced.then("limited", stage(busy, {.limit = 1}));
    return cascade("c", turned, reserve(200us), exit_if(same, sure), busy);
  });
}

bool is_miss(Code code) { return code == Code::deadline_missed || code == Code::would_miss; }

struct Seen {
  std::atomic<long> accepted{0}, refused{0}, values{0}, missed{0}, cancelled{0}, others{0}, late{0};
  std::atomic<int> in_flight{0};
  void answered(const Outcome<int>& o) {
    --in_flight;
    late += o.late;
    if (o) ++values;
    else if (is_miss(o.error().code())) ++missed;
    else if (o.error().code() == Code::cancelled) ++cancelled;
    else ++others;
  }
};

// Requests at fixed times, answered or not: what a client does that does not wait.
void ask(Engine<int, int>& engine, Seen& seen, unsigned client, TimePoint end) {
  const Duration gap = work / 2 * clients / workers;  // all clients together ask twice as often as workers can answer
  int n = static_cast<int>(client);
  for (TimePoint next = Clock::now(); next < end; next += gap, ++n) {
    std::this_thread::sleep_until(next);
    std::stop_source source;
    Request request{.within = std::chrono::microseconds(500 + n % 7 * 500), .priority = n % 3};
    if (n % 11 == 0) request.stop = source.get_token();
    ++seen.in_flight;
    const Status status = engine.submit(n, request, [&seen](const Outcome<int>& o) { seen.answered(o); });
    if (status) {
      ++seen.accepted;
    } else {
      --seen.in_flight;
      const Code code = status.error().code();
      ++(code == Code::overloaded || is_miss(code) ? seen.refused : seen.others);
    }
    if (n % 11 == 0) source.request_stop();
  }
}

}  // namespace

TEST_CASE("stress: seconds of twice the load") {
  Seen seen;
  {
    auto engine = start(loaded_flow(),
                        {.max_in_flight = max_in_flight, .max_losers = 8, .executor = pool_executor(workers).value()})
                      .value();
    std::vector<std::thread> threads;
    const TimePoint end = Clock::now() + soak();
    for (unsigned client = 0; client < clients; ++client)
      threads.emplace_back([&, client] { ask(engine, seen, client, end); });
    for (auto& t : threads) t.join();
    CHECK(engine.drain(Clock::now() + 20s).empty());
    const EngineFigures figures = engine.figures();
    CHECK(figures.waiting == 0);
    CHECK(figures.late == 0);  // all were handed over
  }
  INFO(seen.accepted << " accepted, " << seen.refused << " refused, " << seen.values << " answered, " << seen.missed
                     << " missed, " << seen.cancelled << " cancelled, " << seen.others << " others");
  CHECK(seen.in_flight == 0);
  CHECK(seen.values + seen.missed + seen.cancelled + seen.others == seen.accepted);
  CHECK(seen.others == 0);
  CHECK(seen.late == 0);
  CHECK(seen.values > 0);
  CHECK(seen.missed + seen.refused > 0);  // it was too much
}
