#include "exec/measure_threads.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "exec/measure_record.h"
#include "tailrace/engine/engine.h"
#include "tailrace/plan/make_stage.h"

namespace tailrace::detail {

namespace {

using namespace std::chrono_literals;

struct Knock : Task {
  TimePoint begun{};
  std::atomic<std::uint32_t> done{0};
  Executor* executor = nullptr;
};
void answer(Task& task) noexcept {
  auto& knock = static_cast<Knock&>(task);
  Executor& executor = *knock.executor;
  knock.begun = Clock::now();
  knock.done.store(1, std::memory_order_release);
  executor.wake(knock.done);
}

// Busy at first, as a thread is that works on a branch of its own.
bool wait_for(Knock& knock, TimePoint spawned) {
  while (!knock.done.load(std::memory_order_acquire)) {
    const auto now = Clock::now();
    if (now > spawned + 1s) return false;
    if (now > spawned + 1ms) knock.executor->wait(knock.done, 0, Clock::now() + 10ms);
  }
  return true;
}

// So many stages that do nothing, in as many blocks, or in one.
constexpr int stages = 33;
std::shared_ptr<const PlanData> chain(bool one_block) {
  auto graph = std::make_shared<Graph>();
  graph->name = "chain";
  graph->nodes.resize(stages + 1);
  graph->nodes[0].name = "input";
  graph->nodes[0].type = &type_of<int>;
  for (int i = 1; i <= stages; ++i) {
    Node& n = graph->nodes[static_cast<std::size_t>(i)];
    n.kind = Kind::then;
    n.name = "s" + std::to_string(i);
    n.inputs = {i - 1};
    n.stage = make_stage<int>([](const int& x) { return x + 1; });
    n.stage.quick = true;
    n.type = n.stage.gives;
  }
  graph->output = stages;
  auto plan = std::make_shared<PlanData>();
  plan->choices.root = default_choices(*graph);
  if (one_block) std::fill(plan->choices.root.group.begin() + 1, plan->choices.root.group.end(), 1);
  plan->graph = std::move(graph);
  return plan;
}

// Seconds for each of `count` requests.
double run(const EngineCore& engine, int count) {
  Error refusal;
  const auto begin = Clock::now();
  for (int i = 0; i < count; ++i) {
    FrameRef frame = engine.admit({.within = 1h}, refusal);
    if (!frame) return 0;
    ::new (frame.input()) int(i);
    engine.run(frame);
  }
  return to_seconds(Clock::now() - begin) / count;
}

Times times_of(const std::vector<double>& values) {
  Record record({}, {});
  for (const double v : values) {
    record.add(v, 0);
    record.end_round();
  }
  return record.cost().time;
}

}  // namespace

Times measure_wake(Executor& executor, int samples) {
  std::vector<double> values;
  if (executor.concurrency() == 0) return {};
  for (int i = 0; i < samples; ++i) {
    auto knock = std::make_unique<Knock>();
    knock->run = answer;
    knock->executor = &executor;
    std::this_thread::sleep_for(2ms);  // until workers that look for work have gone to sleep
    const auto spawned = Clock::now();
    executor.spawn(*knock);
    if (!wait_for(*knock, spawned)) {
      static_cast<void>(knock.release());  // the executor still has it, and may yet begin it
      return {};
    }
    values.push_back(std::max(0., to_seconds(knock->begun - spawned)));
  }
  return times_of(values);
}

Times measure_hand_over(const std::shared_ptr<Executor>& executor) {
  constexpr int rounds = 15, requests = 100;
  const auto one = EngineCore::start(chain(true), {4, 4}, executor, nullptr);
  const auto many = EngineCore::start(chain(false), {4, 4}, executor, nullptr);
  if (!one || !many) return {};
  std::vector<double> values;
  for (int round = -2; round < rounds; ++round) {
    const double fused = run(*one, requests), apart = run(*many, requests);
    if (round >= 0) values.push_back(std::max(0., (apart - fused) / (stages - 1)));
  }
  return times_of(values);
}

}  // namespace tailrace::detail
