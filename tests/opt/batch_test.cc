// batch: which models share their calls, by their tables of times.
#include "tailrace/opt/batch.h"

#include <catch2/catch.hpp>

#include "opt/flows.h"
#include "tailrace/exec/start.h"
#include "tailrace/opt/optimise.h"
#include "tailrace/plan/explain.h"

namespace tr = tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace batch_test {

struct Batched final : Times {
  bool batched() const noexcept override { return true; }
};

tr::BatchTimes table(const std::vector<std::pair<std::uint32_t, double>>& seconds) {
  tr::BatchTimes times;
  for (const auto& [rows, s] : seconds) times.times.push_back({rows, 100, s, s, s});
  return times;
}
const auto gains = table({{1, 1e-3}, {2, 1.2e-3}, {8, 2e-3}, {16, 3.9e-3}, {32, 8e-3}});
const auto gains_nothing = table({{1, 1e-3}, {8, 7.9e-3}});

tr::Registry registry(tr::BatchTimes times, std::shared_ptr<const tr::Model> model = std::make_shared<Batched>()) {
  tr::Registry models;
  models.add("digit", {.name = "one", .model = std::move(model), .times = std::move(times)});
  return models;
}

tr::Flow<int, int> one_model(tr::StageOptions said = {}) {
  return tr::flow<int>("f", [&](tr::Stream<int> x) {
    return x.then("a", next).then("m", tr::stage(tr::model<int, int>("digit"), said)).then("b", next);
  });
}

struct Found {
  tr::BatchChoice choice;
  std::string what, why;
};
Found found(const tr::Flow<int, int>& f, const tr::OptimiseOptions& options) {
  const auto plan = tr::optimise(f, options).value().data();
  Found found;
  if (!plan.choices.root.batch.empty()) found.choice = plan.choices.root.batch[2];
  for (const auto& d : plan.choices.decisions)
    if (d.pass == "batch") found.what = d.what, found.why = d.why;
  return found;
}

}  // namespace batch_test
using namespace batch_test;

TEST_CASE("requests share calls where rows then take less time") {
  const auto f = found(one_model(), {.models = registry(gains)});
  CHECK(f.choice.use.max == 8);  // 16 rows take 3 % less a row: not worth calls twice as long
  CHECK(f.choice.use.replicas == 1);
  CHECK(f.choice.use.policy.name == "table");
  CHECK(f.choice.times == gains);
  CHECK(f.what == "requests share calls of up to 8 rows, one at a time, sized by table");
  CHECK(f.why ==
        "a call of 8 rows takes 2 ms and one of 1 takes 1 ms, so that in a second 4 times as many rows are answered");
}

TEST_CASE("as many calls at a time as the profile's machine has threads") {
  const auto f = found(one_model(), {.profile = profile_of({}, 1e-5, 4), .models = registry(gains)});
  CHECK(f.choice.use.replicas == 4);
}

TEST_CASE("no call takes more than half of the goal") {
  CHECK(found(one_model(), {.models = registry(gains), .goal = {.p99 = 3ms}}).choice.use.max == 4);
  const auto f = found(one_model(), {.models = registry(gains), .goal = {.p99 = 2ms}});
  CHECK_FALSE(f.choice.use.said());
  CHECK(f.why == "no larger call takes less time a row and fits into half of the goal");
}

TEST_CASE("models are left alone where there is nothing to gain, nothing known, or no batch dimension") {
  auto f = found(one_model(), {.models = registry(gains_nothing)});
  CHECK_FALSE(f.choice.use.said());
  CHECK(f.what == "answers one request a call");
  f = found(one_model(), {.models = registry({})});
  CHECK_FALSE(f.choice.use.said());
  CHECK(f.why == "");
  f = found(one_model(), {.models = registry(gains, std::make_shared<Times>())});
  CHECK_FALSE(f.choice.use.said());
  CHECK(f.what == "");
  f = found(one_model(), {.models = registry(gains), .without = {"batch"}});
  CHECK_FALSE(f.choice.use.said());
}

TEST_CASE("what a flow says of batches stays") {
  auto f = found(one_model({.limit = 3, .max_batch = 5, .batch = {"greedy"}}), {.models = registry(gains)});
  CHECK(f.choice.use == tr::BatchUse{5, 3, {"greedy"}});
  f = found(one_model({.max_batch = 5}), {.models = registry(gains)});
  CHECK(f.choice.use.policy.name == "table");
  CHECK(f.choice.times == gains);
  f = found(one_model({.max_batch = 1}), {.models = registry(gains)});
  CHECK_FALSE(f.choice.use.said());
}

TEST_CASE("calls of hedges are left alone, arms of others are not") {
  const auto models = registry(gains);
  const auto hedged =
      tr::flow<int>("f", [](tr::Stream<int> x) { return tr::hedge("h", x, {"never"}, tr::model<int, int>("digit")); });
  CHECK(decisions(tr::optimise(hedged, {.models = models}).value().data()).find("batch") == std::string::npos);
  const auto cascade = tr::flow<int>("f", [](tr::Stream<int> x) {
    return tr::cascade("c", x, tr::exit_if(tr::model<int, int>("digit"), odd), tr::model<int, int>("digit"));
  });
  const auto text = decisions(tr::optimise(cascade, {.models = models}).value().data());
  CHECK(text.find("batch c[0]: requests share calls") != std::string::npos);
  CHECK(text.find("batch c[1]: requests share calls") != std::string::npos);
}

TEST_CASE("a batched plan says so, and answers as without") {
  const tr::OptimiseOptions with{.models = registry(gains)}, without{.models = registry(gains), .without = {"batch"}};
  const auto plan = tr::optimise(one_model(), with).value();
  CHECK(tr::explain(plan).find("m (model digit, variant one) in batches of up to 8, one call at a time") !=
        std::string::npos);
  auto a = tr::start(plan, {.threads = 2}).value();
  auto b = tr::start(tr::optimise(one_model(), without).value(), {.threads = 2}).value();
  std::vector<tr::Handle<int>> handles;
  for (int i = 0; i < 100; ++i) handles.push_back(a.submit(i));
  for (int i = 0; i < 100; ++i) CHECK(handles[static_cast<std::size_t>(i)].get().value() == b.run(i).value());
}
