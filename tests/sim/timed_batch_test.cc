// Timed plans whose calls answer several requests, or are computed elsewhere.
// checks: virtual-timed
#include <catch2/catch.hpp>
#include <sstream>

#include "sim/batches.h"
#include "support/simulated_accelerator.h"
#include "support/steps.h"
#include "tailrace/exec/stream_model.h"
#include "tailrace/flow/flow.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/plan/model_stage.h"
#include "tailrace/sim/batch.h"
#include "tailrace/sim/simulate.h"
#include "tailrace/sim/timed.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

Profile profile_of(const char* where, double seconds, const char* variant = "") {
  Profile profile;
  profile.measured.threads = 1;
  Cost cost;
  cost.where = where;
  cost.variant = variant;
  cost.time = {
      .calls = 100, .min = seconds, .mean = seconds, .p50 = seconds, .p90 = seconds, .p99 = seconds, .spread = 0};
  profile.add(cost);
  return profile;
}

void add_size(Batch<int, int>& b) {
  for (std::size_t i = 0; i < b.size(); ++i) b.put(i, b.in(i) + 100 * static_cast<int>(b.size()));
}
Flow<int, int> summing(StageOptions options) {
  return flow<int>("f", [&](Stream<int> x) { return x.then("sum", stage(add_size, options)); });
}

Tensor numbers(float a, float b) {
  Tensor t = Tensor::zeros(DType::float32, {2});
  t.as<float>()[0] = a;
  t.as<float>()[1] = b;
  return t;
}
Flow<Tensor, Tensor> doubling() {
  return flow<Tensor>("double", [](Stream<Tensor> x) { return x.then("net", tailrace::model<Tensor, Tensor>("net")); });
}

// "latency in us" of each request, by number.
template <class In, class Out>
std::string latencies(const Built<Plan<In, Out>>& plan, std::vector<Duration> at, unsigned workers,
                      std::function<In(std::uint64_t)> input) {
  std::ostringstream raw;
  sim::simulate(plan.value(), sim::Workload<In>{load::Recorded{at}, std::move(input)},
                {.workers = workers, .requests = at.size(), .raw = &raw})
      .value();
  return latencies_in(raw.str(), at.size());
}
int number(std::uint64_t n) { return static_cast<int>(n); }
Tensor row(std::uint64_t n) { return numbers(static_cast<float>(n), 1); }

}  // namespace

TEST_CASE("timed: a batch stage's calls take what its table says") {
  const auto plan = optimise(summing({.max_batch = 8, .batch = {"table"}, .times = times_with_a_cliff()})).value();
  const auto timed = sim::timed(plan, Profile());
  CHECK(latencies<int, int>(timed, {0ms, 1ms, 1ms, 1ms}, 4, number) == "3000 8000 8000 8000");  // 3 rows as 4

  const auto time = sim::virtual_time({.workers = 2}).value();
  auto engine = start(timed.value(), {.executor = time}).value();
  auto first = engine.submit(1);
  time->run_for(1ms);
  auto second = engine.submit(2), third = engine.submit(3);
  CHECK((first.get().value() == 101 && second.get().value() == 202 && third.get().value() == 203));
  CHECK(time->now() == TimePoint(7ms));
}

TEST_CASE("timed: a batch keeps one worker busy, and its replicas have calls of their own") {
  const auto plan = optimise(summing({.limit = 2, .max_batch = 4, .times = times_with_a_cliff()})).value();
  const auto timed = sim::timed(plan, Profile());
  CHECK(latencies<int, int>(timed, {0ms, 1ms, 1ms}, 2, number) == "3000 3000 5000");
  CHECK(latencies<int, int>(timed, {0ms, 1ms, 1ms}, 1, number) == "3000 5000 8000");  // one call at a time
}

TEST_CASE("timed: requests that share a model's calls do so by the table that the plan was made with") {
  Registry models;
  models.add("net", {.name = "small", .model = std::make_shared<SimulatedNetwork>(), .times = times_with_a_cliff()});
  const auto profile = profile_of("net", 3e-3, "small");
  const auto plan = optimise(doubling(), {.profile = profile, .models = models}).value();
  REQUIRE(plan.data().choices.root.batch.size() == 2);  // `batch` found that sharing pays
  const auto timed = sim::timed(plan, profile);
  CHECK(latencies<Tensor, Tensor>(timed, {0ms, 1ms, 1ms, 1ms}, 4, row) == "3000 8000 8000 8000");
  const auto alone = optimise(doubling(), {.profile = profile, .models = models, .without = {"batch"}}).value();
  CHECK(latencies<Tensor, Tensor>(sim::timed(alone, profile), {0ms, 1ms, 1ms, 1ms}, 1, row) == "3000 5000 8000 11000");

  const auto time = sim::virtual_time({.workers = 2}).value();
  auto engine = start(timed.value(), {.executor = time}).value();
  CHECK(engine.submit(numbers(3, 4)).get().value().as<float>()[1] == 8);
}

TEST_CASE("timed: a batch without a table is named, or takes no time; a simulated one keeps its own") {
  const auto plan = optimise(summing({.max_batch = 8})).value();
  CHECK(sim::timed(plan, profile_of("sum", 1e-3)).error().what() ==
        std::string("sum: answers several requests a call, and what calls of so many rows take is not known; give the "
                    "stage or its model a table of times, or let such stages take none"));
  const auto untimed = sim::timed(plan, Profile(), {.unknown_take_none = true});
  CHECK(latencies<int, int>(untimed, {0ms, 1ms}, 1, number) == "0 0");
  const auto simulated = flow<int>("f", [](Stream<int> x) {
    return x.then("s", stage(sim::batch_service<int>(times_with_a_cliff()), {.max_batch = 8}));
  });
  CHECK(latencies<int, int>(sim::timed(optimise(simulated).value(), Profile()), {0ms, 1ms, 1ms}, 4, number) ==
        "3000 6000 6000");
}

TEST_CASE("timed: a model on a device takes its time there, as many calls at once as it has streams") {
  SimulatedCosts costs;
  costs.look = 10us;
  const auto clock_of_device = sim::virtual_time().value();
  const auto gpu = simulated_accelerator(clock_of_device, costs);
  const auto network = std::make_shared<SimulatedNetwork>();
  Registry models;
  models.add("net",
             {.name = "large",
              .model = stream_model(gpu, network, {.row = {DType::float32, {2}}, .replicas = 2, .look = 1us}).value(),
              .device = gpu->device()});
  const auto profile = profile_of("net", 2e-3, "large");
  const auto plan = optimise(doubling(), {.profile = profile, .models = models}).value();
  const auto timed = sim::timed(plan, profile);
  CHECK(latencies<Tensor, Tensor>(timed, {0ms, 0ms, 0ms, 1ms}, 1, row) == "2000 2000 4000 3000");

  const auto time = sim::virtual_time({.workers = 1}).value();
  auto engine = start(timed.value(), {.executor = time}).value();
  auto answer = engine.submit(numbers(3, 4));
  time->run_for(1ms);
  CHECK(time->occupancy().held == 0);
  CHECK(answer.get().value().as<float>()[0] == 6);
  CHECK(time->now() == TimePoint(2ms));
  CHECK(sim::timed(plan, Profile()).error().what().starts_with("net: the profile has no time for this stage"));
}
