#include "support/steps.h"

namespace tailrace::test {
namespace {

void add_flows(std::vector<Case>& t) {
  t.push_back(flow_case(
      "a chain", {"value-one", "stage-result", "then-order"}, from_int([](Stream<int> s) {
        return s.then("a", plus_one).then("b", spell).then("c", length).then("d", fail_if(-1)).then("e", twice);
      }),
      {{3, {"82"}}, {999, {"88"}}}));
  t.push_back(
      flow_case("a flow without stages", {"value-one"}, from_int([](Stream<int> s) { return s; }), {{7, {"7"}}}));
  t.push_back(flow_case("a flow as a stage", {"stage-flow"}, from_int([](Stream<int> s) {
                          const auto inner =
                              flow<int>("inner", [](Stream<int> x) { return x.then("p", plus_one).then("q", twice); });
                          return s.then("first", inner).then("second", inner);
                        }),
                        {{1, {"10"}}}));
  t.push_back(flow_case("stages see the context", {"stage-context"}, from_int([](Stream<int> s) {
                          return s.then("a", [](int x, const Context& c) {
                            return c.deadline() == never && !c.stop_requested() ? x : -1;
                          });
                        }),
                        {{5, {"5"}}}));
  t.push_back(flow_case("values in boxes", {"value-boxed"}, from_int([](Stream<int> s) {
                          const auto b = s.then("box", [](int x) { return Boxed(x); });
                          return join_with(
                              "sum", [](const Boxed& x, Boxed y) { return Boxed(x.n + y.n); },
                              b.then("more", [](Boxed&& x) { return Boxed(x.n + 1); }), b);
                        }),
                        {{5, {"11"}}}));
  t.push_back(flow_case("values of large alignment", {"value-one"}, from_int([](Stream<int> s) {
                          return s.then("a", [](int x) { return Wide(x); }).then("b", [](const Wide& w) {
                            return Wide(show(w) == std::to_string(w.n) ? w.n + 1 : -1);
                          });
                        }),
                        {{5, {"6"}}}));
  t.push_back(flow_case("an only reader owns the value", {"value-own", "value-move"}, from_int([](Stream<int> s) {
                          return s.then("make", [](int x) { return MoveOnly(x); })
                              .then("rvalue", [](MoveOnly&& m) { return std::move(m); })
                              .then("value", [](MoveOnly m) { return m; })
                              .then("reference", [](const MoveOnly& m) { return MoveOnly(*m.n + 1); });
                        }),
                        {{4, {"5"}}}));
  t.push_back(flow_case("two readers that own get copies", {"value-copy"}, from_int([](Stream<int> s) {
                          const auto v = s.then("make", spell);
                          const auto own = [](std::string&& x) { return std::exchange(x, "gone").substr(38); };
                          return join("both", v.then("a", own), v.then("b", own), v);
                        }),
                        {{1, {"(aa1 aa1 " + spell(1) + " )"}}}));
  t.push_back(flow_case("a copy that throws fails the stage", {"value-copy"}, from_int([](Stream<int> s) {
                          const auto v = s.then("make", [](int x) { return CopyThrows(x); });
                          return join_with(
                              "both", [](int a, const CopyThrows& b) { return a + b.n; },
                              v.then("own", [](CopyThrows x) { return x.n; }), v);
                        }),
                        {{1, {"2"}}, {-1, {"stage_failed at own: will not be copied"}}}));
}

void add_arm_flows(std::vector<Case>& t) {
  t.push_back(flow_case("arms of a race leave the input whole", {"value-arms"}, from_int([](Stream<int> s) {
                          const auto own = [](std::string x) { return std::exchange(x, "gone").substr(38); };
                          const auto v = s.then("make", spell);
                          return join("both", race("r", v, own, own), v.then("size", length));
                        }),
                        {{1, {"(aa1 41 ) winner 0", "(aa1 41 ) winner 1"}}}));
  t.push_back(flow_case("an arm of choose and a last rung own what cannot be copied", {"value-arms"},
                        from_int([](Stream<int> s) {
                          const auto own = [](MoveOnly&& m) { return MoveOnly(*std::exchange(m.n, nullptr) + 1); };
                          const auto look = [](const MoveOnly& m) { return MoveOnly(*m.n + 100); };
                          const auto v = s.then("make", [](int x) { return MoveOnly(x); });
                          const auto c = choose(
                              "c", v, [](const MoveOnly& m) { return *m.n % 2; }, own, look);
                          return cascade("k", c, exit_if(look, [](const MoveOnly& m) { return *m.n > 200; }), own);
                        }),
                        {{4, {"6 rung 1"}}, {5, {"205 rung 0"}}}));
  t.push_back(flow_case("an arm that gives its input on", {"value-arms", "value-copy"}, from_int([](Stream<int> s) {
                          const auto on = flow<std::string>("on", [](Stream<std::string> x) { return x; });
                          const auto v = s.then("make", spell);
                          return join("both", race("r", v, on),
                                      choose(
                                          "c", v, [](const std::string&) { return 0; }, on))
                              .then("size", [](const auto& both) {
                                return length(std::get<0>(both)) + length(std::get<1>(both));
                              });
                        }),
                        {{1, {"82 winner 0"}}}));
  t.push_back(flow_case("each owns what its vector holds", {"value-each"}, from_int([](Stream<int> s) {
                          const auto v = s.then("make", [](int n) {
                            std::vector<MoveOnly> all;
                            for (int i = 0; i < n; ++i) all.emplace_back(i);
                            return all;
                          });
                          return each("e", v, [](MoveOnly&& m) { return MoveOnly(*std::exchange(m.n, nullptr) + 1); });
                        }),
                        {{3, {"[1 2 3]"}}}));
  t.push_back(flow_case(
      "each copies what others read", {"value-each"}, from_int([](Stream<int> s) {
        const auto v =
            s.then("make", [](int n) { return std::vector<std::string>(static_cast<std::size_t>(n), "word"); });
        const auto e = each("e", v, [](std::string&& x) { return static_cast<int>(std::exchange(x, "").size()); });
        return join("both", e, v);
      }),
      {{2, {"([4 4] [word word] )"}}}));
}

// Nothing is left of any value once the engine is gone, whatever became of the requests.
void all_values_are_destroyed(const Setting& setting) {
  const long before = Counted::alive(), made = Counted::made();
  {
    const auto step = [](const Counted& c) { return Counted(*c + 1); };
    const auto fails = [](const Counted& c) -> Result<Counted> {
      if (*c % 3 == 0) return Error(Code::bad_value, "three");
      return Counted(*c);
    };
    const auto f = flow<Counted>("f", [&](Stream<Counted> s) {
      const auto a = s.then("a", [](Counted c) { return c; });
      const auto k =
          cascade("k", race("r", a, step, fails), exit_if(fails, [](const Counted& c) { return *c % 2 == 0; }), fails);
      const auto v = join_with(
          "j",
          [](Counted x, const Counted& y) {
            return std::vector<Counted>{x, y};
          },
          a, k);
      return each("e", v, fails, keep);
    });
    auto engine = setting.start(f);
    std::vector<Handle<std::vector<Result<Counted>>>> handles;
    for (int i = 0; i < 40; ++i) {
      handles.push_back(engine.submit(Counted(i), {.within = std::chrono::microseconds(i % 4 == 3 ? 50 : 0)}));
      if (i % 4 == 2) handles.back().cancel();
      (void)engine.run(Counted(i));
      engine.submit(Counted(i), {}, [](auto) {}).value();
    }
    for (std::size_t i = 0; i < handles.size(); i += 2) (void)handles[i].get();
  }
  check(Counted::made() > made && Counted::alive() == before, "values were left behind");
}

void values_go_with_their_request(const Setting& setting) {
  const auto f = flow<int>("f", [](Stream<int> s) {
    return s.then("a", [](int x) { return Counted(x); }).then("b", [](const Counted& c) { return Counted(*c + 1); });
  });
  const long before = Counted::alive();
  auto engine = setting.start(f);
  {
    auto outcome = engine.run(1);
    check(*outcome.value() == 2, "wrong answer");
  }
  check(eventually([&] { return Counted::alive() == before; }), "a value outlived its request");
}

void lvalue_inputs_are_copied(const Setting& setting) {
  auto engine = setting.start(flow<std::string>("f", [](Stream<std::string> s) {
    return s.then("own", [](std::string&& x) { return std::exchange(x, "gone"); });
  }));
  std::string mine(50, 'x');
  for (int i = 0; i < 3; ++i)
    check(engine.run(mine).value() == mine && mine.size() == 50, "the caller's value was touched");
  check(engine.run(std::move(mine)).value().size() == 50, "wrong answer");
}

void stages_run_at_the_same_time(const Setting& setting) {
  if (setting.threads < 2) return;
  std::atomic<int> inside{0};
  const auto meet = [&](int x) {
    ++inside;
    return eventually([&] { return inside >= 2; }) ? x : -1;
  };
  auto engine = setting.start(from_int([&](Stream<int> s) { return s.then("meet", meet); }));
  auto a = engine.submit(1), b = engine.submit(2);
  check(show(a.get()) == "1" && show(b.get()) == "2", "two requests were not in one stage at the same time");
}

void uncopyable_values_are_refused(const Setting&) {
  const auto take = [](MoveOnly&& m) { return *m.n; };
  const auto make = [](int x) { return MoveOnly(x); };
  const auto refused = [](const auto& flow, const std::string& stage) {
    const auto problems = optimise(flow);
    check(!problems && problems.error().what().find(stage) != std::string::npos,
          "was not refused by the name of " + stage);
  };
  refused(from_int([&](Stream<int> s) {
            const auto m = s.then("make", make);
            return join("j", m.then("taker", take), m.then("reader", [](const MoveOnly&) { return 0; }));
          }),
          "taker");
  refused(from_int([&](Stream<int> s) { return race("arms", s.then("make", make), take, take); }), "arms[0]");
}

}  // namespace

void add_value_cases(std::vector<Case>& t) {
  add_flows(t);
  add_arm_flows(t);
  t.push_back(script_case("all values are destroyed", {"value-destroyed"}, all_values_are_destroyed));
  t.push_back(script_case("values go with their request", {"value-destroyed"}, values_go_with_their_request));
  t.push_back(script_case("run of an lvalue copies it", {"value-input"}, lvalue_inputs_are_copied));
  t.push_back(
      script_case("a stage serves several requests at once", {"stage-concurrent"}, stages_run_at_the_same_time));
  t.push_back(script_case("what cannot be copied is refused where it would have to be", {"value-moveonly"},
                          uncopyable_values_are_refused));
}

}  // namespace tailrace::test
