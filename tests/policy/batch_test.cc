#include "tailrace/policy/batch.h"

#include <catch2/catch.hpp>

#include "tailrace/policy/catalog.h"

namespace tailrace {
namespace {

using namespace std::chrono_literals;
using Kind = BatchAction::Kind;

const TimePoint start{1s};

BatchTimes table(const std::vector<std::pair<std::uint32_t, Duration>>& times) {
  BatchTimes all;
  for (const auto& [rows, t] : times) all.times.push_back({rows, 100, to_seconds(t), to_seconds(t), to_seconds(t)});
  return all;
}
// 2 ms and 1 ms a row.
BatchTimes usual() { return table({{1, 3ms}, {8, 10ms}, {32, 34ms}}); }

// Who waits: deadlines from now on, 0 for none.
struct Queue {
  explicit Queue(const std::vector<Duration>& left, Duration waited = 0ms) {
    for (Duration d : left) waiters.push_back({d == 0ms ? never : start + d, start - waited, d != 0ms});
  }
  BatchSnapshot seen() const {
    BatchSnapshot s;
    s.waiting = static_cast<std::uint32_t>(waiters.size());
    s.first = waiters;
    s.most = 32;
    s.shared = shared;
    s.free = free;
    return s;
  }
  std::vector<BatchWaiter> waiters;
  bool shared = false;
  std::uint32_t free = 1;
};

BatchAction decide(const Queue& queue, const BatchTimes& times = usual(), const TableBatch& policy = {}) {
  TableBatch::State state(BatchSetup{times, 32, 1});
  return policy.decide(queue.seen(), start, state);
}

TEST_CASE("greedy takes all who wait") {
  GreedyBatch::State state;
  CHECK(GreedyBatch{}.decide(Queue(std::vector<Duration>(5)).seen(), start, state).rows == 5);
  CHECK(GreedyBatch{}.decide(Queue(std::vector<Duration>(50)).seen(), start, state).rows == 32);
}

TEST_CASE("fixed waits for its size or its delay") {
  FixedBatch::State state;
  const FixedBatch fixed{4, 10ms};
  const auto waits = fixed.decide(Queue(std::vector<Duration>(3), 4ms).seen(), start, state);
  CHECK(waits.kind == Kind::wait);
  CHECK(waits.until == start + 6ms);
  CHECK(fixed.decide(Queue(std::vector<Duration>(3), 10ms).seen(), start, state).kind == Kind::run);
  CHECK(fixed.decide(Queue(std::vector<Duration>(3), 10ms).seen(), start, state).rows == 3);
  CHECK(fixed.decide(Queue(std::vector<Duration>(6)).seen(), start, state).rows == 4);
}

TEST_CASE("aimd grows by one and shrinks by a tenth") {
  const AimdBatch aimd{10ms};
  AimdBatch::State state;
  for (std::uint32_t n = 1; n < 20; ++n) aimd.observe(state, {n, n, 5ms});
  CHECK(state.limit == 20);
  aimd.observe(state, {3, 3, 5ms});  // not a full one: says nothing
  CHECK(state.limit == 20);
  aimd.observe(state, {20, 20, 11ms});
  CHECK(state.limit == Approx(18));
  CHECK(aimd.decide(Queue(std::vector<Duration>(30)).seen(), start, state).rows == 18);
}

TEST_CASE("table takes all where all can wait") {
  const auto action = decide(Queue({20ms, 20ms, 20ms, 20ms}));
  CHECK(action.kind == Kind::run);
  CHECK(action.rows == 4);
  CHECK(action.padded == 4);
  CHECK(decide(Queue(std::vector<Duration>(40))).rows == 32);
}

TEST_CASE("table pads and splits where the table says so") {
  const auto cliffs = table({{1, 3ms}, {3, 8ms}, {4, 5ms}, {5, 9ms}, {8, 14ms}});
  CHECK(decide(Queue(std::vector<Duration>(3)), cliffs).rows == 3);
  CHECK(decide(Queue(std::vector<Duration>(3)), cliffs).padded == 4);
  CHECK(decide(Queue(std::vector<Duration>(8)), cliffs).rows == 4);
}

TEST_CASE("table lets the first one not wait for others") {
  // A call of 8 takes 10 ms; the first one has 6, and all others can wait for two calls.
  const auto action = decide(Queue({6ms, 40ms, 40ms, 40ms, 40ms, 40ms, 40ms, 40ms}));
  CHECK(action.rows == 4);  // 6 ms
  CHECK(action.drop_before <= start + 6ms);
}

TEST_CASE("table drops who would make all others late") {
  // A call of 16 takes 18 ms. Beside the first, nobody can wait for two calls.
  std::vector<Duration> left(16, 18ms);
  left.front() = 4ms;
  const auto action = decide(Queue(left));
  CHECK(action.rows >= 14);
  CHECK(action.drop_before > start + 4ms);
  CHECK(action.drop_before <= start + 18ms);
}

TEST_CASE("table drops who would miss a call of his own, and nobody who may not be dropped") {
  auto action = decide(Queue({2ms, 50ms}));
  CHECK(action.drop_before == start + 3ms);
  CHECK(action.rows == 1);
  Queue queue({2ms, 50ms});
  queue.waiters[0].may_drop = false;
  action = decide(queue);
  CHECK(action.rows == 2);
}

TEST_CASE("replicas that are free share who waits") {
  Queue queue(std::vector<Duration>(8));
  queue.free = 2;
  CHECK(decide(queue).rows == 4);
}

TEST_CASE("table lets other work go first only where there is some, and where it pays") {
  Queue queue({50ms, 50ms});
  CHECK(decide(queue).kind == Kind::run);
  queue.shared = true;
  const auto action = decide(queue);
  CHECK(action.kind == Kind::yield);
  CHECK(action.until == start + 12600us);  // 50 ms without the 34 ms that the largest call takes, and a tenth more
  Queue patient({0ms, 0ms}, 20ms);
  patient.shared = true;
  CHECK(decide(patient).until == start + 48ms);  // two of the largest calls, less what they have waited
  CHECK(decide(queue, table({{1, 3ms}, {8, 24ms}})).kind == Kind::run);
  Queue urgent({30ms, 50ms});
  urgent.shared = true;
  CHECK(decide(urgent).kind == Kind::run);
  Queue full(std::vector<Duration>(32, 0ms));
  full.shared = true;
  CHECK(decide(full).kind == Kind::run);
  full.free = 2;
  CHECK(decide(full).rows == 32);  // there are no threads for two calls
}

TEST_CASE("table learns what calls take, and that the table is wrong") {
  const TableBatch policy;
  TableBatch::State state(BatchSetup{usual(), 32, 1});
  for (int i = 0; i < 200; ++i) policy.observe(state, {8, 8, 20ms});  // twice as long
  CHECK(state.ratio == Approx(2).epsilon(.05));
  const auto action = policy.decide(Queue({10ms, 80ms, 80ms, 80ms, 80ms, 80ms, 80ms, 80ms}).seen(), start, state);
  CHECK(action.rows <= 3);  // 2 * (2 + 3) ms
}

TEST_CASE("without a table, all is learned") {
  const TableBatch policy;
  TableBatch::State state(BatchSetup{{}, 32, 1});
  const auto cliffs = table({{1, 3ms}, {3, 8ms}, {4, 5ms}, {5, 9ms}, {8, 14ms}, {32, 80ms}});
  const Queue of_eight(std::vector<Duration>(8));
  const auto eight = of_eight.seen();
  CHECK(policy.decide(eight, start, state).rows == 8);
  for (int i = 0; i < 400; ++i)
    for (std::uint32_t n = 1; n <= 9; ++n) policy.observe(state, {n, n, to_duration(cliffs.seconds(n))});
  CHECK(policy.decide(eight, start, state).rows == 4);
  CHECK(policy.decide(Queue(std::vector<Duration>(3)).seen(), start, state).padded == 4);
}

TEST_CASE("a size that was slow once is tried again") {
  const TableBatch policy;
  TableBatch::State state(BatchSetup{{}, 8, 1});
  const auto times = table({{1, 3ms}, {8, 4ms}});
  const Queue of_eight(std::vector<Duration>(8));
  const auto eight = of_eight.seen();
  for (int i = 0; i < 40; ++i) policy.observe(state, {1, 1, 3ms});
  policy.observe(state, {8, 8, 1s});
  bool tried = false;
  for (int i = 0; i < 100000 && !tried; ++i) {
    const auto rows = policy.decide(eight, start, state).padded;
    tried = rows == 8 && i > 100;
    policy.observe(state, {rows, rows, to_duration(times.seconds(rows))});
  }
  CHECK(tried);
}

// How many who have so long are refused one after another, until one is served; at most 1000.
int refused(TableBatch::State& state, Duration left) {
  const TableBatch policy;
  for (int n = 0; n < 1000; ++n)
    if (policy.decide(Queue({left}).seen(), start, state).drop_before <= start + left) return n;
  return 1000;
}

TEST_CASE("one call that was slow does not end all service") {
  const TableBatch policy;
  TableBatch::State state(BatchSetup{usual(), 32, 1});
  policy.observe(state, {1, 1, 900ms});
  const int first = refused(state, 12ms);
  CHECK((first > 10 && first < 60));
  CHECK(state.ratio * 3 + 2 * 3 * state.spread <= 12);

  TableBatch::State learns(BatchSetup{{}, 32, 1});
  for (int i = 0; i < 40; ++i) policy.observe(learns, {1, 1, 900ms});
  CHECK(refused(learns, 12ms) < 60);
}

TEST_CASE("who is too late for any call is no reason to doubt what was learned") {
  const TableBatch policy;
  TableBatch::State state(BatchSetup{usual(), 32, 1});
  for (int i = 0; i < 10; ++i) policy.observe(state, {1, 1, 6ms});
  const double before = state.ratio;
  CHECK(policy.decide(Queue({2ms, 1ms}).seen(), start, state).drop_before > start + 2ms);
  CHECK(state.ratio == before);
}

TEST_CASE("policies by name") {
  const PolicyCatalog catalog;
  CHECK(catalog.batches() == std::vector<std::string>{"aimd", "fixed", "greedy", "table"});
  CHECK(catalog.batch({"fixed", {{"size", 8}, {"delay_ms", 2}}}).has_value());
  CHECK(catalog.batch({"greedy"}).has_value());
  const auto unknown = catalog.batch({"tabel"});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().list().front().what == "there is no batching policy 'tabel' (did you mean 'table'?)");
  CHECK_FALSE(catalog.batch({"fixed", {{"size", 0}}}));
}

// Two at a time; remembers how often it was asked.
struct Pairs {
  struct State {
    explicit State(const BatchSetup& setup) : most(setup.most) {}
    std::uint32_t most, asked = 0;
  };
  BatchAction decide(const BatchSnapshot&, TimePoint, State& s) const noexcept {
    ++s.asked;
    return {Kind::run, 2, 0, {}};
  }
  void observe(State&, const BatchSample&) const noexcept {}
};

TEST_CASE("a policy of one's own") {
  PolicyCatalog catalog;
  catalog.add_batch("pairs", {}, [](const Parameters&) { return Pairs{}; });
  const auto policy = catalog.batch({"pairs"}).value();
  const auto state = policy->start({usual(), 8, 1});
  CHECK(policy->decide(Queue({0ms, 0ms, 0ms}).seen(), start, *state).rows == 2);
  CHECK(policy->type() != catalog.batch({"greedy"}).value()->type());
}

}  // namespace
}  // namespace tailrace
