#include "support/steps.h"

namespace tailrace::test {
namespace {

void add_flows(std::vector<Case>& t) {
  t.push_back(
      flow_case("errors of every kind",
                {"error-exception", "error-thrown", "error-memory", "error-other", "error-returned", "error-where"},
                from_int([](Stream<int> s) {
                  const auto fail = [](int kind) -> Result<int> {
                    switch (kind) {
                      case 1: throw std::runtime_error("bang");
                      case 2: throw Error(Code::bad_value, "elsewhere", "thrown");
                      case 3: throw std::bad_alloc();
                      case 4: throw 7;
                      case 5: return Error(Code::bad_value, "elsewhere", "returned");
                      case 6: throw Error(Code::none, "nothing");
                      default: return kind;
                    }
                  };
                  return s.then("a", same).then("b", fail).then("c", plus_one);
                }),
                {{0, {"1"}},
                 {1, {"stage_failed at b: bang"}},
                 {2, {"bad_value at b: thrown"}},
                 {3, {"out_of_memory at b"}},
                 {4, {"stage_failed at b: threw something that is not a std::exception"}},
                 {5, {"bad_value at b: returned"}},
                 {6, {"stage_failed at b: nothing"}}}));
  t.push_back(flow_case(
      "errors name the combinators around the stage", {"error-where"}, from_int([](Stream<int> s) {
        const auto deep = flow<int>("deep", [](Stream<int> x) { return x.then("up", plus_one).then("crash", bang); });
        const auto elements = flow<int>("elements", [=](Stream<int> x) {
          return each("e", x.then("v", count_up), deep).then("n", [](const std::vector<int>&) { return 1; });
        });
        return choose("c", s, same, deep,
                      flow<int>("k", [=](Stream<int> x) { return cascade("k", x, exit_if(bang, always), elements); }));
      }),
      {{0, {"stage_failed at c[0].crash: bang"}}, {1, {"stage_failed at c[1].k[1].e[0].crash: bang"}}}));
  t.push_back(flow_case("long words are cut", {"error-bounded"}, from_int([](Stream<int> s) {
                          return s.then("talks", [](int n) -> int {
                            throw std::runtime_error(std::string(static_cast<std::size_t>(n), 'x'));
                          });
                        }),
                        {{188, {"stage_failed at talks: " + std::string(188, 'x')}},
                         {193, {"stage_failed at talks: " + std::string(185, 'x') + "..."}},
                         {100000, {"stage_failed at talks: " + std::string(185, 'x') + "..."}}}));
  t.push_back(
      flow_case("a stage that leaves by a checkpoint of its own making", {"error-other"},
                from_int([](Stream<int> s) { return s.then("leaves", [](int x) { return x ? throw Stopped{} : x; }); }),
                {{1, {"stage_failed at leaves: left by a checkpoint although nobody had asked it to stop"}}}));
}

// User code wherever it runs may throw: nothing but the request suffers.
void one_request_cannot_harm_another(const Setting& setting) {
  const auto moody = [](int x) -> int {
    if (x % 5 == 1) throw std::runtime_error("bang");
    if (x % 5 == 2) throw x;
    return x;
  };
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto c = choose(
        "c", s, [&](int x) { return x % 5 == 3 ? throw x : moody(x) * 0; }, moody);
    return cascade("k", race("r", c, valid_if([](int x) { return x % 7 ? true : throw x; }), moody, moody),
                   exit_if(moody, throwing_test), moody);
  }));
  std::vector<Handle<int>> handles;
  for (int i = 0; i < 200; ++i) handles.push_back(engine.submit(i));
  for (int i = 0; i < 200; ++i) {
    const auto o = handles[static_cast<std::size_t>(i)].get();
    const bool good = i % 5 != 1 && i % 5 != 2 && i % 5 != 3 && i % 7;
    check(o.has_value() == good && (!good || *o == i), "request " + std::to_string(i) + ": " + show(o));
  }
}

struct Log final : Observer {
  void on_event(const Event& e) noexcept override {
    std::lock_guard lock(mutex);
    text += std::to_string(static_cast<int>(e.kind)) + ":" + std::string(name(e.code)) + ":" + std::to_string(e.arm) +
            ":" + std::string(e.where) + ":" + std::string(e.what) + ";";
  }
  bool has(Event::Kind kind, const std::string& rest) {
    std::lock_guard lock(mutex);
    return text.find(std::to_string(static_cast<int>(kind)) + ":" + rest) != std::string::npos;
  }
  std::mutex mutex;
  std::string text;
};

void observers_see_what_happens(const Setting& setting) {
  auto log = std::make_shared<Log>();
  auto engine =
      setting.start(from_int([&](Stream<int> s) {
                      return race("r", cascade("k", s, exit_if(bang, always), exit_if(same, always), bang), same)
                          .then("last", fail_if(4));
                    }),
                    {.observer = log});
  check(engine.run(1).has_value() && !engine.run(4), "wrong outcomes");
  engine.stop();
  check(!engine.run(1), "answered although it was stopped");
  using Kind = Event::Kind;
  check(log->has(Kind::stage_failed, "stage_failed:0:k[0]:bang"), "no stage_failed: " + log->text);
  check(log->has(Kind::arm_won, "none:0:r:"), "no arm_won: " + log->text);
  check(log->has(Kind::rung_left, "none:1:k:"), "no rung_left: " + log->text);
  check(log->has(Kind::answered, "none:0::") && log->has(Kind::answered, "bad_value:0:last:not 4"),
        "no answered: " + log->text);
  check(log->has(Kind::refused, "shutting_down"), "no refused: " + log->text);
}

}  // namespace

void add_error_cases(std::vector<Case>& t) {
  add_flows(t);
  t.push_back(script_case("one request cannot harm another", {"error-isolated", "error-control"},
                          one_request_cannot_harm_another));
  t.push_back(script_case("observers see what happens", {"observer-events"}, observers_see_what_happens));
}

}  // namespace tailrace::test
