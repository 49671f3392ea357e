#include <algorithm>

#include "support/expect.h"
#include "support/steps.h"
#include "tailrace/model/registry.h"

// Batches that a policy sizes, and those of models.
namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

PolicyUse fixed(double size, double delay_ms) { return {"fixed", {{"size", size}, {"delay_ms", delay_ms}}}; }
constexpr double an_hour = 3.6e6;

// Adds one, and notes the batches that it gets.
struct Noted {
  std::mutex mutex;
  std::vector<std::vector<int>> seen;

  void add(Batch<int, int>& batch) {
    const std::lock_guard lock(mutex);
    auto& rows = seen.emplace_back();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      rows.push_back(batch.in(i));
      batch.put(i, batch.in(i) + 1);
    }
  }
  auto stage(StageOptions options) {
    return tailrace::stage([this](Batch<int, int>& batch) { add(batch); }, std::move(options));
  }
};

std::vector<Handle<int>> submit_all(Engine<int, int>& engine, const std::vector<int>& inputs) {
  std::vector<Handle<int>> handles;
  for (int x : inputs) handles.push_back(engine.submit(x));
  return handles;
}

void a_call_takes_what_its_policy_says(const Setting& setting) {
  Noted noted;
  auto engine = setting.start(
      from_int([&](Stream<int> s) { return s.then("b", noted.stage({.max_batch = 8, .batch = fixed(3, an_hour)})); }));
  auto handles = submit_all(engine, {1, 2, 3, 4, 5, 6});
  for (std::size_t i = 0; i < handles.size(); ++i) expect(handles[i].get(), std::to_string(i + 2));
  check(noted.seen.size() == 2 && noted.seen[0].size() == 3, "batches of " + show(noted.seen));
}

// The rows of one rung's call meet again in the next one's, behind the test: with one thread all of them.
void rungs_share_calls(const Setting& setting) {
  Noted first, second;
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto leaves = [](const int& answer) { return answer == 4; };
    return cascade("c", s, exit_if(first.stage({.max_batch = 4, .batch = fixed(4, an_hour)}), leaves),
                   second.stage({.max_batch = 4, .batch = fixed(4, 0)}));
  }));
  auto handles = submit_all(engine, {1, 2, 3, 4});
  for (int i = 0; i < 4; ++i)
    expect(handles[static_cast<std::size_t>(i)].get(), std::to_string(i + 2) + (i == 2 ? " rung 0" : " rung 1"));
  if (setting.threads > 1) return;
  check(second.seen.size() == 1, "batches of " + show(second.seen));
  std::sort(second.seen[0].begin(), second.seen[0].end());
  check(second.seen[0] == std::vector<int>{1, 2, 4}, "batches of " + show(second.seen));
}

// Both threads are held while the stage becomes free: who comes until one is there shares the call.
void a_call_is_decided_when_it_begins(const Setting& setting) {
  if (setting.threads != 2 || !setting.executor) return;
  Noted noted;
  Gate in_call, behind, elsewhere;
  const auto call = [&](Batch<int, int>& batch) {
    if (batch.in(0) == 0) in_call.pass();
    noted.add(batch);
  };
  const auto held = [&](const int& x) {
    if (x == 1) behind.pass();
    return x;
  };
  auto engine = setting.start(from_int(
      [&](Stream<int> s) { return s.then("b", stage(call, {.max_batch = 4, .batch = fixed(4, 0)})).then("z", held); }));
  auto other = setting.start(
      from_int([&](Stream<int> s) { return s.then("e", [&](const int& x) { return elsewhere.pass(), x; }); }));
  Opens opens[] = {{in_call}, {behind}, {elsewhere}};
  auto handles = submit_all(engine, {0});
  check(eventually([&] { return in_call.arrived() == 1; }), "not begun");
  handles.push_back(engine.submit(10));
  check(eventually([&] { return engine.figures().waiting == 1; }), "it does not wait");
  auto holds = other.submit(0);
  check(eventually([&] { return elsewhere.arrived() == 1; }), "not begun");
  handles.push_back(engine.submit(20));
  in_call.open();
  check(eventually([&] { return behind.arrived() == 1; }), "not answered");
  elsewhere.open();
  expect(handles[1].get(), "11");
  expect(handles[2].get(), "21");
  check(noted.seen.size() == 2 && noted.seen[1].size() == 2, "batches of " + show(noted.seen));
}

void nobody_is_kept_for_ever(const Setting& setting) {
  Noted noted;
  auto engine =
      setting.start(from_int([&](Stream<int> s) { return s.then("b", noted.stage({.batch = fixed(32, an_hour)})); }));
  auto handles = submit_all(engine, {1, 2});  // as many as come within a second
  expect(handles[0].get(), "2");
  expect(handles[1].get(), "3");
  expect(engine.run(7), "8");
}

void who_waits_for_others_can_leave(const Setting& setting) {
  Noted noted;
  const auto f = from_int([&](Stream<int> s) { return s.then("b", noted.stage({.batch = fixed(3, an_hour)})); });
  auto engine = setting.start(f);
  auto left = engine.submit(1);
  check(eventually([&] { return engine.figures().waiting == 1; }), "it does not wait");
  left.cancel();
  expect(left.get(), Code::cancelled);
  check(engine.figures().waiting == 0, "it still waits");
  std::optional<Engine<int, int>> other = setting.start(f);
  auto answered = other->submit(2);
  check(eventually([&] { return other->figures().waiting == 1; }), "it does not wait");
  other.reset();
  expect(answered.get(), Code::shutting_down);
}

BatchTimes ten_seconds() { return {{{.rows = 1, .calls = 1, .min = 10, .p50 = 10, .p99 = 10}}}; }

void who_would_miss_is_dropped(const Setting& setting) {
  Noted noted;
  const auto f = from_int([&](Stream<int> s) {
    return s.then("b", noted.stage({.max_batch = 4, .batch = {"table"}, .times = ten_seconds()}));
  });
  auto engine = setting.start(f);
  expect(engine.submit(1, {.within = 5s}).get(), Code::would_miss);
  expect(engine.submit(2, {.within = 1h}).get(), "3");
  expect(engine.submit(3).get(), "4");
  auto polite = setting.start(f, {.shed = false});
  expect(polite.submit(4, {.within = 5s}).get(), "5");
  check(noted.seen == std::vector<std::vector<int>>{{2}, {3}, {4}}, "batches of " + show(noted.seen));
}

void unknown_batch_policies_are_refused(const Setting& setting) {
  const auto f =
      from_int([](Stream<int> s) { return s.then("b", stage([](Batch<int, int>&) {}, {.batch = {"tabel"}})); });
  const auto engine = tailrace::start(optimise(f).value(), {.threads = setting.threads, .executor = setting.executor});
  check(!engine && engine.error().list().front().where == "b", "a policy that nobody knows was taken");
}

// ---- models

using Row = std::vector<float>;

// Gives every element twice, and notes the shapes that it gets. It refuses what is below zero, and larger calls of it.
class Doubling final : public Model {
 public:
  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    Tensor twice = inputs[0].contiguous_copy();
    const std::lock_guard lock(mutex);
    seen.push_back(name(inputs[0].shape()));
    for (float& x : twice.as<float>()) {
      if (x < 0) return Error(Code::bad_value, "below zero");
      x *= 2;
    }
    outputs[0] = twice;
    return {};
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "doubling"; }

  mutable std::mutex mutex;
  mutable std::vector<std::string> seen;
};

Result<Tensor> to_row(const Row& row) {
  if (row.empty()) return Error(Code::bad_value, "no elements");
  if (row.front() == 99) throw std::runtime_error("ninety-nine");
  return row_traits<Row>::borrow(row);
}
ModelStage<Row, Row> doubling(const std::shared_ptr<Doubling>& model) {
  return {{.name = "d", .need = {}, .variant = {}, .model = model}, {to_row, row_traits<Row>::read_row}};
}
// n elements of it; the first digit says how many.
Row row_of(int x) { return Row(static_cast<std::size_t>(x / 100), static_cast<float>(x % 100)); }
int first_of(const Row& row) { return static_cast<int>(row.front()); }

Flow<int, int> through(const std::shared_ptr<Doubling>& model, double size) {
  return from_int([&](Stream<int> s) {
    return s.then("row", row_of)
        .then("model", stage(doubling(model), {.max_batch = 8, .batch = fixed(size, an_hour)}))
        .then("first", first_of);
  });
}

void models_answer_batches(const Setting& setting) {
  const auto model = std::make_shared<Doubling>();
  auto engine = setting.start(through(model, 3));
  auto handles = submit_all(engine, {201, 302, 203});
  expect(handles[0].get(), "2");
  expect(handles[1].get(), "4");
  expect(handles[2].get(), "6");
  std::sort(model->seen.begin(), model->seen.end());
  check(model->seen == std::vector<std::string>{"[1, 3]", "[2, 2]"}, "calls of " + show(model->seen));
}

void bad_rows_fail_alone(const Setting& setting) {
  const auto model = std::make_shared<Doubling>();
  auto engine = setting.start(through(model, 4));
  auto handles = submit_all(engine, {201, 0, 299, 203});
  expect(handles[0].get(), "2");
  expect(handles[1].get(), "bad_value at model: no elements");
  expect(handles[2].get(), "stage_failed at model: ninety-nine");
  expect(handles[3].get(), "6");
  model->seen.clear();
  const auto negative = from_int([&](Stream<int> s) {
    return s.then("row", [](int x) { return Row{static_cast<float>(x)}; })
        .then("model", stage(doubling(model), {.max_batch = 8, .batch = fixed(3, an_hour)}))
        .then("first", first_of);
  });
  auto other = setting.start(negative);
  handles = submit_all(other, {1, -5, 3});
  expect(handles[0].get(), "2");
  expect(handles[1].get(), "bad_value at model: below zero");
  expect(handles[2].get(), "6");
  check(model->seen.size() == 4, "calls of " + show(model->seen));  // all, then each
}

void places_of_one_model_share_calls(const Setting& setting) {
  const auto model = std::make_shared<Doubling>();
  const auto stage_of_it = stage(doubling(model), {.max_batch = 8, .batch = fixed(2, an_hour)});
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return choose(
               "c", s.then("row", row_of), [](const Row& r) { return static_cast<int>(r[0]) % 2; }, stage_of_it,
               stage_of_it)
        .then("first", first_of);
  }));
  auto handles = submit_all(engine, {201, 202});
  expect(handles[0].get(), "2");
  expect(handles[1].get(), "4");
  check(model->seen == std::vector<std::string>{"[2, 2]"}, "calls of " + show(model->seen));
}

}  // namespace

void add_batch_policy_cases(std::vector<Case>& t) {
  t.push_back(script_case("a call takes what its policy says", {"batch-policy", "batch-delay"},
                          a_call_takes_what_its_policy_says));
  t.push_back(script_case("a call is decided when it begins", {"batch-policy"}, a_call_is_decided_when_it_begins));
  t.push_back(script_case("rungs share calls", {"batch-together"}, rungs_share_calls));
  t.push_back(script_case("nobody is kept for ever", {"batch-delay"}, nobody_is_kept_for_ever));
  t.push_back(script_case("who waits for others can leave", {"batch-delay-ends"}, who_waits_for_others_can_leave));
  t.push_back(script_case("who would miss is dropped", {"batch-drops"}, who_would_miss_is_dropped));
  t.push_back(script_case("unknown batch policies are refused", {"batch-policy"}, unknown_batch_policies_are_refused));
  t.push_back(script_case("models answer batches", {"batch-model"}, models_answer_batches));
  t.push_back(script_case("bad rows fail alone", {"batch-model-row"}, bad_rows_fail_alone));
  t.push_back(script_case("places of one model share calls", {"batch-model-shared"}, places_of_one_model_share_calls));
}

}  // namespace tailrace::test
