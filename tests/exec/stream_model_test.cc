// Models on an accelerator, simulated on a virtual clock: what is copied, when calls are over, streams side by side,
// who waits in line, what stays on the device, what does not fit, and what happens when the device breaks down.
#include "tailrace/exec/stream_model.h"

#include <array>
#include <catch2/catch.hpp>

#include "support/simulated_accelerator.h"
#include "tailrace/engine/engine.h"
#include "tailrace/exec/measure.h"
#include "tailrace/exec/start.h"
#include "tailrace/flow/flow.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/opt/place.h"
#include "tailrace/plan/explain.h"
#include "tailrace/plan/model_stage.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

Tensor numbers(std::initializer_list<float> values) {
  Tensor t = Tensor::zeros(DType::float32, {static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), t.as<float>().begin());
  return t;
}
std::vector<float> of(const Tensor& t) {
  REQUIRE(t.device() == Device{});
  const auto values = t.as<float>();
  return {values.begin(), values.end()};
}

// A simulated device, a network on it, and flows that use it.
struct World {
  explicit World(unsigned replicas = 2, SimulatedCosts costs = {}) : gpu(simulated_accelerator(time, costs)) {
    model = stream_model(gpu, network, {.row = row, .replicas = replicas, .look = 1us}).value();
    models.add("net", {.name = "large", .model = model, .device = gpu->device()});
  }
  Flow<Tensor, Tensor> once() const {
    return flow<Tensor>("once", [](Stream<Tensor> x) { return x.then("net", tailrace::model<Tensor, Tensor>("net")); });
  }
  Flow<Tensor, Tensor> twice() const {
    return flow<Tensor>("twice", [](Stream<Tensor> x) {
      return x.then("first", tailrace::model<Tensor, Tensor>("net"))
          .then("second", tailrace::model<Tensor, Tensor>("net"));
    });
  }
  Duration since_start() const { return time->now() - TimePoint{}; }

  const RowType row{DType::float32, {2}};
  std::shared_ptr<sim::VirtualTime> time = sim::virtual_time().value();
  std::shared_ptr<SimulatedNetwork> network = std::make_shared<SimulatedNetwork>();
  std::shared_ptr<SimulatedAccelerator> gpu;
  std::shared_ptr<const StreamModel> model;
  Registry models;
};

constexpr Duration one_call = 10us + 110us;  // launch, network
constexpr Duration one_copy = 20us + 8ns;    // of eight bytes
constexpr Duration alone = one_call + 2 * one_copy;

}  // namespace

TEST_CASE("stream models: a call is copied in, computed and copied out, and no worker waits") {
  World w;
  auto engine = start(optimise(w.once(), {.models = w.models}).value(), {.executor = w.time}).value();
  auto handle = engine.submit(numbers({3, 4}));
  CHECK(w.time->occupancy().held == 0);
  const auto answer = handle.get();
  REQUIRE(answer);
  CHECK(of(*answer) == std::vector<float>{6, 8});
  CHECK(w.since_start() >= alone);
  CHECK(w.since_start() <= alone + 2us);
  CHECK(w.gpu->looks() >= 100);  // a timer's, every microsecond
  CHECK(w.model->traffic() == Traffic{1, 1, 1, 8, 8});
}

TEST_CASE("stream models: streams copy side by side, and further calls wait in line, first come first served") {
  World w(2, {.computes = 8});
  auto engine = start(optimise(w.once(), {.models = w.models}).value(), {.executor = w.time}).value();
  std::vector<Handle<Tensor>> handles;
  for (int i = 0; i < 6; ++i) handles.push_back(engine.submit(numbers({float(i), 0})));
  for (int i = 0; i < 6; ++i) {
    const auto answer = handles[static_cast<std::size_t>(i)].get();
    REQUIRE(answer);
    CHECK(of(*answer) == std::vector<float>{float(2 * i), 0});
    const Duration due = (i / 2 + 1) * alone;  // two at a time
    CHECK(w.since_start() >= due);
    CHECK(w.since_start() <= due + 10us);
  }
  CHECK(w.model->traffic().calls == 6);
}

TEST_CASE("stream models: one device computes one call at a time, copies go on beside it") {
  World w(4);
  auto engine = start(optimise(w.once(), {.models = w.models}).value(), {.executor = w.time}).value();
  std::vector<Handle<Tensor>> handles;
  for (int i = 0; i < 4; ++i) handles.push_back(engine.submit(numbers({1, 1})));
  for (auto& h : handles) CHECK(h.get());
  CHECK(w.since_start() >= 4 * 110us);
  CHECK(w.since_start() <= 4 * 110us + 10us + 2 * one_copy + 5us);
}

TEST_CASE("stream models: neighbours on one device pass their value on there") {
  World w;
  const auto plan = optimise(w.twice(), {.models = w.models}).value();
  CHECK(copies_of(*plan.share()).to_devices == 1);
  CHECK(copies_of(*plan.share()).from_devices == 1);
  auto engine = start(plan, {.executor = w.time}).value();
  const auto answer = engine.submit(numbers({3, 4})).get();
  REQUIRE(answer);
  CHECK(of(*answer) == std::vector<float>{12, 16});
  CHECK(w.model->traffic() == Traffic{2, 1, 1, 8, 8});
  CHECK(w.since_start() <= 2 * one_call + 2 * one_copy + 4us);
  CHECK_THAT(explain(plan), Catch::Contains("its output stays there"));
}

TEST_CASE("stream models: memory of answers is given back") {
  World w;
  const auto before = w.gpu->allocated();
  CHECK(before == 2 * 8);
  CHECK(w.model->bytes() == 2 * 8);
  {
    auto engine = start(optimise(w.twice(), {.models = w.models}).value(), {.executor = w.time}).value();
    for (int i = 0; i < 5; ++i) CHECK(engine.submit(numbers({1, 2})).get());
  }
  CHECK(w.gpu->allocated() == before);
}

TEST_CASE("stream models: what does not fit is refused where it is made") {
  World w(2, {.memory = 100});
  const auto made = [&](StreamModelOptions o) {
    o.row = w.row;
    return stream_model(w.gpu, w.network, o).error().what();
  };
  CHECK(made({.network_bytes = 90}) ==
        "a simulated network: takes 106 bytes with the buffers of 2 streams, and may take 100 on cuda:0");
  CHECK_THAT(made({.network_bytes = 40, .memory = 50}),
             Catch::Contains("takes 56 bytes") && Catch::Contains("may take 50"));
  CHECK_THAT(made({.max_rows = 8, .replicas = 1, .network_bytes = 37}), Catch::Contains("takes 101 bytes"));
  CHECK_THAT(made({.replicas = 0}), Catch::Contains("needs at least one stream"));
  CHECK(made({.max_rows = 0, .replicas = 0, .look = 0us}).size() > 60);
  CHECK_THAT(stream_model(w.gpu, w.network, {.row = {DType::float32, {-1}}}).error().what(),
             Catch::Contains("fixed extents"));
  CHECK_THAT(stream_model(nullptr, w.network, {}).error().what(), Catch::Contains("needs an accelerator"));
}

TEST_CASE("stream models: a call that does not fit the network is an error, and the next one is answered") {
  World w(1);
  auto engine = start(optimise(w.once(), {.models = w.models}).value(), {.executor = w.time}).value();
  auto wrong = engine.submit(numbers({1, 2, 3}));
  auto right = engine.submit(numbers({1, 2}));
  const auto said = wrong.get();
  REQUIRE_FALSE(said);
  CHECK(said.error().code() == Code::shape_mismatch);
  CHECK_THAT(std::string(said.error().what()), Catch::Contains("takes a batch of float32 [2], got float32 [1, 3]"));
  CHECK(of(*right.get()) == std::vector<float>{2, 4});
}

TEST_CASE("stream models: a launch that fails, with others in line, fails only its own request") {
  World w(1);
  w.network->most = 0;
  auto engine = start(optimise(w.once(), {.models = w.models}).value(), {.executor = w.time}).value();
  std::vector<Handle<Tensor>> handles;
  for (int i = 0; i < 50; ++i) handles.push_back(engine.submit(numbers({1, 2})));
  for (auto& h : handles) CHECK(h.get().error().code() == Code::stage_failed);
  w.network->most = 1;
  CHECK(of(*engine.submit(numbers({1, 2})).get()) == std::vector<float>{2, 4});
}

TEST_CASE("stream models: a device that breaks down fails what is under way, and nothing hangs") {
  World w(2);
  auto engine = start(optimise(w.once(), {.models = w.models}).value(), {.executor = w.time}).value();
  std::vector<Handle<Tensor>> handles;
  for (int i = 0; i < 5; ++i) handles.push_back(engine.submit(numbers({1, 2})));
  w.time->run_for(50us);
  w.gpu->break_down("fell off the bus");
  for (auto& h : handles) CHECK_THAT(std::string(h.get().error().what()), Catch::Contains("fell off the bus"));
}

TEST_CASE("stream models: a deadline does not wait for the device") {
  World w;
  auto engine = start(optimise(w.once(), {.models = w.models}).value(), {.executor = w.time}).value();
  auto late = engine.submit(numbers({1, 2}), {.within = 100us});
  CHECK(late.get().error().code() == Code::deadline_missed);
  CHECK(w.since_start() == 100us);
  CHECK(of(*engine.submit(numbers({1, 2})).get()) == std::vector<float>{2, 4});
}

TEST_CASE("stream models: what copies take is measured, as the device has it") {
  World w;
  const auto facts = detail::measure_copies(
      *w.gpu, [&] { return w.time->now(); }, [&] { w.time->run_for(1us); });
  REQUIRE(facts);
  CHECK(facts->device == w.gpu->device());
  CHECK(facts->memory == w.gpu->memory());
  CHECK(facts->copy == Approx(20e-6).margin(2e-6));
  CHECK(facts->per_byte == Approx(1e-9).epsilon(.01));
  w.gpu->break_down("fell off the bus");
  CHECK_FALSE(detail::measure_copies(
      *w.gpu, [&] { return w.time->now(); }, [&] { w.time->run_for(1us); }));
}

TEST_CASE("stream models: without an executor the caller's thread waits, and measuring a flow does so") {
  World w(1, {.look = 5us});
  const Tensor in = numbers({3, 4}).as_batch_of_one();
  Tensor out;
  REQUIRE(w.model->run({&in, 1}, {&out, 1}));
  CHECK(of(out) == std::vector<float>{6, 8});
  CHECK(w.since_start() >= alone);
  CHECK(w.model->run({&in, 1}, {}).error().code() == Code::bad_value);
  w.gpu->break_down("fell off the bus");
  CHECK_THAT(std::string(w.model->run({&in, 1}, {&out, 1}).error().what()), Catch::Contains("fell off the bus"));
  w.gpu->break_down({});
  const auto before = w.model->traffic().calls;
  const std::vector<Tensor> samples{numbers({1, 2})};
  const auto profile = measure(w.once(), samples, {.models = w.models, .rounds = 2, .budget = 20ms});
  REQUIRE(profile);
  CHECK(profile->find("net", "large")->failures == 0);
  CHECK(w.model->traffic().calls > before);
}

TEST_CASE("stream models: when others keep the device busy, another plan takes over in the running engine") {
  World w;
  OptimiseOptions options;
  Variant net{
      .name = "large", .model = w.network, .latency = 1ms};  // on the CPU it answers at once, and is said to take 1 ms
  net.elsewhere = {{.device = w.gpu->device(), .model = w.model, .latency = 120us, .row_in = 8, .row_out = 8}};
  options.models.add("net", net);
  options.devices = {detail::measure_copies(
                         *w.gpu, [&] { return w.time->now(); }, [&] { w.time->run_for(1us); })
                         .value()};
  options.devices[0].memory = 0;
  const auto plan = optimise(w.twice(), options).value();
  auto engine = start(plan, {.executor = w.time}).value();
  CHECK(of(*engine.submit(numbers({1, 2})).get()) == std::vector<float>{4, 8});
  CHECK(w.model->traffic().calls == 2);
  CHECK_FALSE(worth_moving(*plan.share(), options).worth);

  auto under_way = engine.submit(numbers({3, 4}));
  w.time->run_for(50us);
  options.devices[0].busy = .9;
  REQUIRE(worth_moving(*plan.share(), options).worth);
  REQUIRE(engine.replace(optimise(w.twice(), options).value()).empty());
  const auto before = w.model->traffic().calls;
  CHECK(of(*engine.submit(numbers({5, 6})).get()) == std::vector<float>{20, 24});
  CHECK(of(*under_way.get()) == std::vector<float>{12, 16});  // it stays with the plan that it began with
  CHECK(w.model->traffic().calls == 4);
  CHECK(before >= 3);
}
