#include "tailrace/sim/batch.h"

#include <catch2/catch.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "sim/batches.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/sim/simulate.h"

namespace tailrace::sim {
namespace {

using namespace std::chrono_literals;

Flow<int, int> one_stage(const PolicyUse& policy, unsigned max_batch = 8, unsigned limit = 1) {
  const auto add = [](const int& x) { return x + 1; };
  const auto serve =
      stage(batch_service<int>(test::times_with_a_cliff(), add),
            {.limit = limit, .max_batch = max_batch, .batch = policy, .times = test::times_with_a_cliff()});
  return flow<int>("f", [&](Stream<int> s) { return s.then("serve", serve); });
}

// "number latency outcome" of each request, times in microseconds.
std::string run(const Flow<int, int>& f, const std::vector<Duration>& at, const Request& request = {},
                unsigned workers = 4, bool shed = true) {
  std::ostringstream raw;
  simulate(optimise(f).value(), Workload<int>{load::Recorded{at}, {}, request},
           {.workers = workers, .requests = at.size(), .shed = shed, .raw = &raw})
      .value();
  return test::latencies_in(raw.str(), at.size());
}

TEST_CASE("a call takes what the table says, and those who wait share the next one") {
  CHECK(run(one_stage({}), {0ms, 1ms, 1ms}) == "3000 6000 6000");
  CHECK(run(one_stage({"greedy"}), {0ms, 1ms, 1ms, 1ms}) == "3000 10000 10000 10000");
  CHECK(run(one_stage({"table"}), {0ms, 1ms, 1ms, 1ms}) == "3000 8000 8000 8000");  // as 4 rows
  CHECK(run(one_stage({}, 1), {0ms, 1ms, 1ms}) == "3000 5000 8000");
}

TEST_CASE("events say how many rows a call had, and as how many it ran") {
  std::ostringstream events;
  simulate(optimise(one_stage({"table"})).value(), Workload<int>{load::Recorded{{0ms, 1ms, 1ms, 1ms}}},
           {.workers = 4, .requests = 4, .events = &events, .events_detail = Observer::Detail::stages})
      .value();
  std::string calls;
  std::istringstream lines(events.str());
  for (std::string line; std::getline(lines, line);)
    if (line.find(",batched,") != line.npos) calls += line + "\n";
  CHECK(calls == "3000000,0,batched,serve,1,1,,\n9000000,1,batched,serve,3,4,,\n");
}

TEST_CASE("a policy's delay passes on the executor's clock") {
  const PolicyUse patient{"fixed", {{"size", 4}, {"delay_ms", 5}}};
  CHECK(run(one_stage(patient), {0ms}) == "8000");
  CHECK(run(one_stage(patient), {0ms, 2ms}) == "9000 7000");
  CHECK(run(one_stage(patient), {0ms, 1ms, 2ms, 3ms}) == "9000 8000 7000 6000");
  // The alarm is set anew for those who are left.
  CHECK(run(one_stage(patient), {0ms, 1ms, 2ms, 3ms, 4ms}) == "9000 8000 7000 6000 8000");
}

TEST_CASE("a delay ends after a second, whatever the policy says") {
  CHECK(run(one_stage({"fixed", {{"size", 4}, {"delay_ms", 1e6}}}), {0ms}) == "1003000");
}

TEST_CASE("two replicas have their calls at the same time") {
  CHECK(run(one_stage({"table"}, 8, 2), {0ms, 0ms, 1ms, 1ms}) == "3000 3000 5000 5000");
}

TEST_CASE("calls keep workers busy") { CHECK(run(one_stage({"greedy"}, 1, 2), {0ms, 100us}, {}, 1) == "3000 5900"); }

TEST_CASE("the first one's deadline makes a call shorter, and who cannot be served in time is refused") {
  // At 3 ms four wait: a call of 4 ends at 9 ms.
  CHECK(run(one_stage({"table"}), {0ms, 1ms, 1ms, 1ms, 1ms}, {.within = 9ms}) == "3000 8000 8000 8000 8000");
  CHECK(run(one_stage({"table"}), {0ms, 100us}, {.within = 5ms}) == "3000 would_miss");
  CHECK(run(one_stage({"table"}), {0ms, 100us}, {.within = 5ms}, 4, false) == "3000 deadline_missed");
}

TEST_CASE("requests that are given up while their call runs take nobody along") {
  CHECK(run(one_stage({"greedy"}), {0ms, 100us, 2ms}, {.within = 5500us}, 4, false) == "3000 deadline_missed 5000");
}

TEST_CASE("an engine that goes leaves the alarm to another one") {
  const auto time = virtual_time().value();
  const Runtime runtime;
  const auto plan = optimise(one_stage({"fixed", {{"size", 3}, {"delay_ms", 50}}})).value();
  const auto start_one = [&] { return start(plan, {.executor = time, .runtime = runtime}).value(); };
  std::optional<Engine<int, int>> first = start_one();
  auto second = start_one();
  auto lost = first->submit(1);
  time->run_for(10ms);
  auto kept = second.submit(2);
  time->run_for(10ms);
  first.reset();
  CHECK(lost.get().error().code() == Code::shutting_down);
  CHECK_FALSE(kept.ready());
  time->run_for(45ms);  // 50 ms after it came, and 3 ms for the call
  CHECK(kept.ready());
  CHECK(kept.get().value() == 3);
}

TEST_CASE("those who are on their way share a call") {
  // One worker: while it is busy, others wait for it and not at the stage.
  CHECK(run(one_stage({"greedy"}), {0ms, 1ms, 1ms, 1ms, 1ms}, {}, 1) == "3000 8000 8000 8000 8000");
}

TEST_CASE("elements share calls") {
  const auto service = stage(batch_service<int>(test::times_with_a_cliff()),
                             {.max_batch = 8, .batch = {"table"}, .times = test::times_with_a_cliff()});
  const auto f = flow<int>("f", [&](Stream<int> s) {
    const auto element = flow<int>("e", [&](Stream<int> x) { return x.then("serve", service); });
    return each("all", s.then("v", [](int n) { return std::vector<int>(static_cast<std::size_t>(n)); }), element)
        .then("n", [](const std::vector<int>& v) { return static_cast<int>(v.size()); });
  });
  const auto time = virtual_time({.workers = 4}).value();
  auto engine = start(optimise(f).value(), {.executor = time}).value();
  const auto began = time->now();
  CHECK(engine.submit(5).get().value() == 5);
  CHECK(time->now() - began == 9ms);  // four together, as many as there are workers, and then one
}

TEST_CASE("batched answers are those of the reference, whatever sizes the batches") {
  for (const char* policy : {"greedy", "fixed", "aimd", "table"}) {
    const auto time = virtual_time({.workers = 2}).value();
    auto engine = start(optimise(one_stage({policy})).value(), {.executor = time}).value();
    std::vector<Handle<int>> handles;
    for (int i = 0; i < 100; ++i) handles.push_back(engine.submit(i));
    for (int i = 0; i < 100; ++i) CHECK(handles[static_cast<std::size_t>(i)].get().value() == i + 1);
  }
}

}  // namespace
}  // namespace tailrace::sim
