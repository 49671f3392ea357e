#include <array>
#include <optional>
#include <stop_token>

#include "support/expect.h"
#include "support/steps.h"
#include "tailrace/model/registry.h"

// Draining an engine, and giving it another plan.
namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

bool has(const std::vector<std::string>& names, const std::string& part) {
  for (const auto& n : names)
    if (n.find(part) != n.npos) return true;
  return false;
}
std::string list(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& n : names) all += "[" + n + "]";
  return all;
}
Plan<int, int> plan_of(const Flow<int, int>& f) { return optimise(f).value(); }
auto waiting_flow(Gate& gate) {
  return from_int([&gate](Stream<int> s) { return s.then("wait", [&gate](int x) { return gate.pass(), x; }); });
}

// ---- drain

void drain_waits_for_all(const Setting& setting) {
  Gate gate;
  std::atomic<int> called{0}, answered{0};
  auto engine = setting.start(waiting_flow(gate));
  Opens opens{gate};
  auto h = engine.submit(1);
  engine.submit(2, {.within = 1h}, [&](Outcome<int> o) { called += o.value_or(-1) == 2; }).value();
  std::thread caller([&] { answered += engine.run(3).value_or(-1) == 3; });
  check(setting.threads < 2 || eventually([&] { return gate.arrived() >= 2; }), "not started");
  check(eventually([&] { return gate.arrived() >= 1; }), "not started");
  std::this_thread::sleep_for(1ms);
  std::thread opener([&] {
    std::stop_source stopped;  // so that no stage of this request ever runs
    stopped.request_stop();
    eventually([&] { return show(engine.run(4, {.stop = stopped.get_token()})) == "shutting_down"; });
    gate.open();
  });
  const auto left = engine.drain();
  check(left.empty() && h.ready() && called == 1, "drain did not wait for all: " + list(left));
  opener.join();
  caller.join();
  expect(h.get(), "1");  // not taken so far, and nobody waits for that
  check(answered <= 1, "answered twice");
  expect(engine.submit(5).get(), "shutting_down");
}

void drain_names_what_runs(const Setting& setting) {
  Gate gate;
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto element =
        flow<int>("element", [&](Stream<int> x) { return x.then("stuck", [&](int y) { return gate.pass(), y; }); });
    return each("all", s.then("count", count_up), element).then("size", [](const std::vector<int>& v) {
      return static_cast<int>(v.size());
    });
  }));
  Opens opens{gate};
  auto h = engine.submit(1);
  check(eventually([&] { return gate.arrived() == 1; }), "not started");
  const auto left = engine.drain(Clock::now() + 2ms);
  check(left.size() == 1 && left[0] == "all[0].stuck", "expected all[0].stuck, got " + list(left));
  check(!h.ready() && gate.closed(), "drain answered a request");
  gate.open();
  check(engine.drain().empty(), "still something to wait for");
  expect(h.get(), "1");
}

void drain_names_losers(const Setting& setting) {
  if (setting.threads < 2) return;  // the loser might be the first to run, and in everybody's way
  Gate gate;
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return race("r", s.then("first", same), same, [&](int x) { return gate.pass(), x; }).then("last", same);
  }));
  Opens opens{gate};
  std::thread caller([&] { (void)engine.run(1); });
  caller.join();
  const bool loser = eventually([&] { return gate.arrived() == 1; }, 20ms);
  const auto left = engine.drain(Clock::now() + 2ms);
  if (loser && gate.closed())
    check(left.size() == 1 && has(left, "r[1]"), "expected the loser r[1], got " + list(left));
}

void drain_names_losers_and_callers(const Setting& setting) {
  drain_names_losers(setting);
  Gate other;
  auto second = setting.start(waiting_flow(other));
  std::thread inside([&] { expect(second.run(1), "1"); });
  check(eventually([&] { return other.arrived() == 1; }), "not started");
  const auto names = second.drain(Clock::now() + 2ms);
  check(names == std::vector<std::string>{"wait"}, "expected wait, got " + list(names));
  other.open();
  inside.join();
}

void drain_inside_does_not_wait(const Setting& setting) {
  std::optional<Engine<int, int>> engine;
  std::vector<std::string> left;
  engine.emplace(setting.start(
      from_int([&](Stream<int> s) { return s.then("drains", [&](int x) { return left = engine->drain(), x; }); })));
  expect(engine->submit(4).get(), "4");
  check(left == std::vector<std::string>{"drains"}, "expected drains, got " + list(left));
  check(engine->drain().empty(), "something is left");
  std::atomic<int> named{-1};
  engine.emplace(setting.start(from_int([](Stream<int> s) { return s.then("a", same); })));
  engine->submit(4, {}, [&](Outcome<int>) { named = static_cast<int>(engine->drain().size()); }).value();
  check(eventually([&] { return named >= 0; }), "drain waited inside a callback");
  check(named == 1, "what still runs, the callback itself, was not told of");
  engine.reset();
}

// ---- replace

void new_requests_go_to_the_new_plan(const Setting& setting) {
  Gate gate;
  const auto mine = std::make_shared<int>(10);
  auto engine = setting.start(
      from_int([&, mine](Stream<int> s) {
        return s.then("wait", [&gate, mine](int x) { return gate.pass(), x + *mine; }).then("more", plus_one);
      }),
      {.max_in_flight = 2});
  Opens opens{gate};
  auto a = engine.submit(1), b = engine.submit(2);
  expect(engine.run(3), "overloaded");
  check(engine.replace(plan_of(from_int([](Stream<int> s) { return s.then("twice", twice); }))).empty(), "refused");
  for (int i = 0; i < 10; ++i) {
    expect(engine.run(i), show(2 * i));  // room although two are under way
    if (setting.threads > 2) expect(engine.submit(i).get(), show(2 * i));
  }
  check(!a.ready() && !b.ready() && mine.use_count() > 1, "the old requests are gone");
  gate.open();
  expect(a.get(), "12");
  expect(b.get(), "13");
  check(eventually([&] { return mine.use_count() == 1; }), "the old plan's stages were kept");
  expect(engine.submit(4).get(), "8");
}

void callers_who_wait_get_in_by_a_new_plan(const Setting& setting) {
  Gate gate;
  auto engine = setting.start(waiting_flow(gate), {.max_in_flight = 1});
  Opens opens{gate};
  auto a = engine.submit(1);
  std::atomic<int> answers{0};
  std::thread caller([&] { answers += engine.run(4, {.overload = Overload::wait}).value_or(-1) == 8; });
  std::this_thread::sleep_for(2ms);
  check(engine.replace(plan_of(from_int([](Stream<int> s) { return s.then("twice", twice); }))).empty(), "refused");
  caller.join();
  check(answers == 1 && gate.closed(), "who waited for room was not let into the new plan");
}

void wrong_plans_change_nothing(const Setting& setting) {
  auto engine = setting.start(from_int([](Stream<int> s) { return s.then("a", plus_one); }));
  Graph wrong = from_int([](Stream<int> s) { return s.then("b", twice); }).graph();
  wrong.nodes[1].type = &type_of<std::string>;
  PlanData data = plan_of(from_int([](Stream<int> s) { return s.then("b", twice); })).data();
  data.graph = std::make_shared<const Graph>(std::move(wrong));
  check(!engine.replace(Plan<int, int>(std::move(data))).empty(), "a wrong plan was accepted");
  expect(engine.run(1), "2");
  engine.stop();
  const auto problems = engine.replace(plan_of(from_int([](Stream<int> s) { return s.then("b", twice); })));
  check(!problems.empty() && problems.code() == Code::shutting_down, "a stopped engine took a plan");
  expect(engine.run(1), "shutting_down");
}

// Every request is answered by exactly one of the plans, while they change all the time.
void nothing_is_lost_while_plans_change(const Setting& setting) {
  const auto token = std::make_shared<int>(0);
  std::atomic<int> wrong{0}, called{0}, asked{0};
  {
    const auto adds = [&](int n) {
      return plan_of(from_int([n, token](Stream<int> s) {
        return race(
                   "r", s, [n, token](int x) { return x + n; }, [n](int x) { return x + n; })
            .then("same", same);
      }));
    };
    auto engine = setting.start(from_int([](Stream<int> s) { return s.then("same", same); }), {.max_in_flight = 64});
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    const auto right = [](const Outcome<int>& o, int in) { return o && *o >= in && *o < in + 8; };
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; !over || i < 20; ++i) {
          auto answer = t ? engine.run(i) : engine.submit(i).get();
          if (!answer && answer.error().code() == Code::overloaded)
            answer = engine.run(i, {.overload = Overload::wait});
          wrong += !right(answer, i);
          if (i % 8) continue;
          ++asked;
          const Request waits{.within = i % 16 ? 0h : 1h, .overload = Overload::wait};
          if (!engine.submit(i, waits, [&, i](Outcome<int> o) { ++called, wrong += !right(o, i); })) ++wrong;
        }
      });
    for (int n = 0; n < 60; ++n) wrong += !engine.replace(adds(n % 8)).empty();
    over = true;
    for (auto& t : threads) t.join();
    eventually([&] { return called == asked; });  // destruction would answer what is left as `shutting_down`
  }
  check(wrong == 0 && called == asked,
        "wrong " + std::to_string(wrong) + ", called " + std::to_string(called) + " of " + std::to_string(asked));
  check(token.use_count() == 1, "a plan's stages were kept");
}

// A model that counts how often it is loaded and how many of it there are.
class Counted final : public Model {
 public:
  Counted() { ++loaded, ++alive; }
  Counted(const Counted&) = delete;
  ~Counted() override { --alive; }
  Status run(std::span<const Tensor> inputs, std::span<Tensor> outputs) const noexcept override {
    outputs[0] = inputs[0];
    return {};
  }
  bool batched() const noexcept override { return true; }
  std::string describe() const override { return "a counted model"; }
  inline static std::atomic<int> loaded{0}, alive{0};
};

void models_are_loaded_once(const Setting& setting) {
  using Row = std::array<float, 1>;
  const int loaded = Counted::loaded, alive = Counted::alive;
  std::mutex mutex;
  std::optional<Completion<int>> waits;
  auto engine = setting.start(from_int([](Stream<int> s) { return s.then("same", same); }));
  std::optional<Handle<int>> old;
  {
    Registry models;
    models.add("m", {.name = "one", .model = std::make_shared<Counted>(), .accuracy = .9, .latency = 1us});
    const auto plan = [&](auto last) {
      const auto f = from_int([&](Stream<int> s) {
        return s.then("row", [](int x) { return Row{static_cast<float>(x)}; })
            .then("model", model<Row, Row>("m"))
            .then("last", last);
      });
      return optimise(f, {.models = models}).value();
    };
    const auto later = [&](const Row&, Completion<int> done) {
      const std::lock_guard lock(mutex);
      waits.emplace(std::move(done));
    };
    const auto arrived = [&] {
      const std::lock_guard lock(mutex);
      return waits.has_value();
    };
    check(engine.replace(plan(later)).empty(), "refused");
    old.emplace(engine.submit(1));
    check(eventually(arrived), "not started");
    check(engine.replace(plan([](const Row& r) { return static_cast<int>(r[0]) + 20; })).empty(), "refused");
  }
  check(Counted::loaded == loaded + 1 && Counted::alive == alive + 1, "a plan has a model of its own");
  expect(engine.submit(1).get(), "21");
  waits->complete(11);
  expect(old->get(), "11");
  check(engine.replace(plan_of(from_int([](Stream<int> s) { return s.then("twice", twice); }))).empty(), "refused");
  expect(engine.submit(1).get(), "2");
  check(eventually([&] { return Counted::alive == alive; }), "a model that no plan asks for was kept");
  check(Counted::loaded == loaded + 1, "a model was loaded again");
}

}  // namespace

void add_replace_cases(std::vector<Case>& t) {
  t.push_back(script_case("drain waits for all", {"drain-refuses", "drain-waits"}, drain_waits_for_all));
  t.push_back(script_case("drain names what runs", {"drain-names", "drain-waits"}, drain_names_what_runs));
  t.push_back(script_case("drain names losers and callers", {"drain-names"}, drain_names_losers_and_callers));
  t.push_back(script_case("drain inside does not wait", {"drain-inside"}, drain_inside_does_not_wait));
  t.push_back(script_case("new requests go to the new plan",
                          {"replace-new", "replace-old", "replace-room", "replace-frees"},
                          new_requests_go_to_the_new_plan));
  t.push_back(script_case("those who wait get in by a new plan", {"replace-new", "wait-room"},
                          callers_who_wait_get_in_by_a_new_plan));
  t.push_back(script_case("wrong plans change nothing", {"replace-refused"}, wrong_plans_change_nothing));
  t.push_back(script_case("models are loaded once", {"replace-models"}, models_are_loaded_once));
  t.push_back(script_case("nothing is lost while plans change", {"replace-nothing-lost", "replace-frees"},
                          nothing_is_lost_while_plans_change));
}

}  // namespace tailrace::test
