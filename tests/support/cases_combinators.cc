#include "support/steps.h"

namespace tailrace::test {
namespace {

void add_joins(std::vector<Case>& t) {
  t.push_back(flow_case("join gives a tuple", {"join-tuple"}, from_int([](Stream<int> s) {
                          return join("j", s.then("a", plus_one).then("b", spell), s.then("c", twice), s);
                        }),
                        {{3, {"(" + spell(4) + " 6 3 )"}}}));
  t.push_back(flow_case("join_with calls a function", {"join-fn"}, from_int([](Stream<int> s) {
                          const auto a = s.then("a", spell);
                          return join_with(
                              "j", [](int n, const std::string& x) { return x + std::to_string(n); },
                              a.then("b", length), a);
                        }),
                        {{3, {spell(3) + "41"}}}));
  t.push_back(flow_case("a failing branch fails the join", {"join-fails"}, from_int([](Stream<int> s) {
                          return join("j", s.then("a", fail_if(1)), s.then("b", fail_if(2)));
                        }),
                        {{1, {"bad_value at a: not 1"}}, {2, {"bad_value at b: not 2"}}, {3, {"(3 3 )"}}}));
  t.push_back(flow_case(
      "of two failing branches either is reported", {"join-fails"}, from_int([](Stream<int> s) {
        return join("j", s.then("a", fail_if(1)), s.then("b", bang)).then("c", [](const std::tuple<int, int>&) {
          return 0;
        });
      }),
      {{1, {"bad_value at a: not 1", "stage_failed at b: bang"}}, {2, {"stage_failed at b: bang"}}}));
}

void add_races(std::vector<Case>& t) {
  t.push_back(flow_case("any arm may win a race", {"race-first", "race-winner"},
                        from_int([](Stream<int> s) { return race("r", s, plus_one, twice, same); }),
                        {{5, {"6 winner 0", "10 winner 1", "5 winner 2"}}}));
  t.push_back(flow_case("arms that fail do not lose for the others", {"race-arm-fails"}, from_int([](Stream<int> s) {
                          return race("r", s, bang, fail_if(5), twice).then("t", plus_one);
                        }),
                        {{5, {"11 winner 2"}}, {6, {"7 winner 1", "13 winner 2"}}}));
  t.push_back(flow_case("invalid answers do not win", {"race-valid"}, from_int([](Stream<int> s) {
                          return race("r", s, valid_if([](int x) { return x > 5; }), same, twice, bang);
                        }),
                        {{4, {"8 winner 1"}}, {6, {"6 winner 0", "12 winner 1"}}, {1, {"all_arms_failed at r"}}}));
  t.push_back(flow_case("a validity test that throws says no", {"race-test-throws"}, from_int([](Stream<int> s) {
                          return race("r", s, valid_if([](int x) { return x == 1 ? throw 1 : true; }), give(1), twice);
                        }),
                        {{4, {"8 winner 1"}}}));
  t.push_back(flow_case("all arms failed", {"race-all-failed"},
                        from_int([](Stream<int> s) { return race("r", s, bang, fail_if(1)).then("t", plus_one); }),
                        {{1, {"all_arms_failed at r"}}, {2, {"3 winner 1"}}}));
  t.push_back(flow_case("a race with one arm", {"race-first"},
                        from_int([](Stream<int> s) { return race("r", s, twice); }), {{2, {"4 winner 0"}}}));
  t.push_back(flow_case("races in races", {"nesting", "race-winner"}, from_int([](Stream<int> s) {
                          const auto inner = flow<int>("inner", [](Stream<int> x) {
                            return race("in", x.then("up", plus_one), bang, twice).then("t", plus_one);
                          });
                          return race("out", s, inner, bang);
                        }),
                        {{2, {"7 winner 0"}}}));
}

void lists_every_arm(const Setting& setting) {
  auto engine = setting.start(from_int([](Stream<int> s) {
    const auto arm = flow<int>("arm", [](Stream<int> x) { return x.then("up", plus_one).then("crash", bang); });
    return race("label", s, valid_if(never_so), arm, fail_if(1), twice);
  }));
  const auto o = engine.run(1);
  const std::string want = "label[0].crash: bang; label[1]: not 1; label: not a valid answer";
  check(!o && o.error().code() == Code::all_arms_failed && o.error().where() == "label",
        "not all_arms_failed at label");
  check(o.error().what() == want, "not every arm is listed: " + std::string(o.error().what()));
}

void add_cascades(std::vector<Case>& t) {
  const auto above = [](int least) { return [least](const int& x) { return x > least; }; };
  t.push_back(flow_case("the first confident rung answers",
                        {"cascade-first", "cascade-last", "cascade-input", "cascade-rung"},
                        from_int([=](Stream<int> s) {
                          return cascade("k", s, exit_if(plus_one, above(10)), exit_if(twice, above(10)), same);
                        }),
                        {{10, {"11 rung 0"}}, {6, {"12 rung 1"}}, {2, {"2 rung 2"}}}));
  t.push_back(
      flow_case("a rung that fails is not confident", {"cascade-rung-fails"}, from_int([=](Stream<int> s) {
                  return cascade("k", s, exit_if(bang, always), exit_if(fail_if(1), always), twice).then("t", plus_one);
                }),
                {{1, {"3 rung 2"}}, {2, {"3 rung 1"}}}));
  t.push_back(flow_case("an exit test that throws says no", {"cascade-test-throws"}, from_int([](Stream<int> s) {
                          return cascade("k", s, exit_if(plus_one, throwing_test), twice);
                        }),
                        {{5, {"10 rung 1"}}}));
  t.push_back(flow_case("the latest answer serves when the last rung fails", {"cascade-fallback"},
                        from_int([](Stream<int> s) {
                          return cascade("k", s, exit_if(give(1), never_so), exit_if(give(2), throwing_test),
                                         exit_if(bang, always), fail_if(7))
                              .then("t", plus_one);
                        }),
                        {{7, {"3 rung 1 fallback"}}, {3, {"4 rung 3"}}}));
  t.push_back(flow_case("no fallback where none is wanted", {"cascade-no-fallback"}, from_int([](Stream<int> s) {
                          return cascade("k", s, no_fallback, exit_if(give(1), never_so), fail_if(7));
                        }),
                        {{7, {"bad_value at k[1]: not 7"}}, {3, {"3 rung 1"}}}));
  t.push_back(flow_case("no fallback where there is none", {"cascade-no-answer"}, from_int([](Stream<int> s) {
                          return cascade("k", s, exit_if(bang, always), fail_if(7)).then("t", plus_one);
                        }),
                        {{7, {"bad_value at k[1]: not 7"}}}));
  t.push_back(flow_case(
      "a cascade in the middle and one at the end", {"cascade-rung", "nesting"}, from_int([=](Stream<int> s) {
        const auto inner =
            flow<int>("inner", [=](Stream<int> x) { return cascade("in", x, exit_if(plus_one, above(10)), twice); });
        return cascade("k", cascade("first", s, exit_if(plus_one, above(5)), twice), exit_if(inner, above(15)), same);
      }),
      {{1, {"2 rung 1"}}, {8, {"18 rung 0"}}, {15, {"17 rung 0"}}}));
  t.push_back(flow_case("rungs that are races, arms that are cascades", {"nesting"}, from_int([=](Stream<int> s) {
                          const auto racing =
                              flow<int>("racing", [](Stream<int> x) { return race("r", x, bang, plus_one); });
                          const auto cascading = flow<int>("cascading", [=](Stream<int> x) {
                            return cascade("in", x, exit_if(racing, above(5)), bang);
                          });
                          return choose(
                              "c", s, [](int x) { return x % 2; }, cascading, racing);
                        }),
                        {{6, {"7 rung 0 winner 1"}}, {5, {"6 winner 1"}}, {2, {"3 rung 0 winner 1 fallback"}}}));
}

void add_choices(std::vector<Case>& t) {
  t.push_back(flow_case("choose runs the selected arm", {"choose-arm"}, from_int([](Stream<int> s) {
                          return choose(
                                     "c", s, [](int x) { return x % 3; }, plus_one, twice, bang)
                              .then("t", same);
                        }),
                        {{3, {"4"}}, {4, {"8"}}, {5, {"stage_failed at c[2]: bang"}}}));
  t.push_back(flow_case("no such arm", {"choose-range"},
                        from_int([](Stream<int> s) { return choose("pick", s, same, plus_one, twice); }),
                        {{2, {"bad_selection at pick"}}, {-1, {"bad_selection at pick"}}, {1, {"2"}}}));
  t.push_back(flow_case("a selector that throws", {"choose-throws"}, from_int([](Stream<int> s) {
                          return choose(
                              "pick", s, [](int x) { return x ? throw std::runtime_error("lost") : 0; }, plus_one,
                              twice);
                        }),
                        {{1, {"stage_failed at pick: lost"}}, {0, {"1"}}}));
}

// What does not take part never starts.
void others_never_start(const Setting& setting) {
  std::atomic<int> started{0};
  const auto spy = [&](int x) {
    ++started;
    return x;
  };
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto c = choose("c", s, give(1), spy, same, spy);
    return cascade("k", c, exit_if(same, always), spy).then("t", bang).then("after", spy);
  }));
  for (int i = 0; i < 20; ++i) check(!engine.run(i), "an answer from a flow that fails");
  check(started == 0, "an arm that was not chosen, a rung behind the answer or a stage behind a failure started");
}

void branches_run_one_after_another(const Setting& setting) {
  if (setting.forks) return;
  std::atomic<int> inside{0}, most{0};
  const auto step = [&](int x) {
    most = std::max<int>(most, ++inside);
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    --inside;
    return x;
  };
  auto engine = setting.start(
      from_int([&](Stream<int> s) { return join("j", s.then("a", step), s.then("b", step), s.then("c", step)); }));
  for (int i = 0; i < 5; ++i) check(engine.submit(i).get().has_value(), "no answer");
  check(most == 1, "branches of a join ran at the same time although nothing had decided so");
}

}  // namespace

void add_combinator_cases(std::vector<Case>& t) {
  add_joins(t);
  add_races(t);
  add_cascades(t);
  add_choices(t);
  t.push_back(script_case("all_arms_failed lists every arm", {"race-all-failed"}, lists_every_arm));
  t.push_back(script_case("others never start", {"choose-others", "cascade-stops", "then-fails"}, others_never_start));
  t.push_back(script_case("branches run one after another", {"join-serial"}, branches_run_one_after_another));
}

}  // namespace tailrace::test
