#include <memory>

#include "support/steps.h"

namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

using Words = Exit<int, std::string>;
using Boxes = Exit<int, Boxed>;
using Owned = Exit<MoveOnly, MoveOnly>;

// Leaves with ten times the number below a bound, else spells it out.
auto leave_below(int bound) {
  return [bound](int x) { return x < bound ? Words::leave(10 * x) : Words::go_on(spell(x)); };
}
// Takes a number out of its spelling.
int read_number(const std::string& s) { return std::stoi(s.substr(40)); }
Boxes box_it(const std::string& s) {
  const int x = read_number(s);
  return x < 6 ? Boxes::leave(100 * x) : Boxes::go_on(Boxed(x));
}
int unbox(const Boxed& b) { return 1000 * b.n; }
Words go_on_if_odd(int x) { return x % 2 ? Words::go_on(spell(x)) : Words::leave(x); }

// Its move throws where the number is -1, and a smaller number counts moves up to there.
struct MoveThrows {
  explicit MoveThrows(int v) : n(v) {}
  MoveThrows(const MoveThrows&) = default;
  MoveThrows(MoveThrows&& o) : n(o.n < 0 ? o.n + 1 : o.n) {
    if (o.n == -1) throw std::runtime_error("will not be moved");
  }
  MoveThrows& operator=(const MoveThrows&) = default;
  int n;
};
using Fragile = Exit<int, MoveThrows>;

void add_flows(std::vector<Case>& t) {
  t.push_back(flow_case("the first stage that leaves answers, with the former's carry",
                        {"staged-exit", "staged-carry", "staged-last", "staged-rung"}, from_int([](Stream<int> s) {
                          return staged("net", s, leave_below(3), box_it, unbox).then("t", plus_one);
                        }),
                        {{2, {"21 rung 0"}}, {5, {"501 rung 1"}}, {7, {"7001 rung 2"}}}));
  t.push_back(flow_case("a staged that answers the request", {"staged-exit", "staged-last"},
                        from_int([](Stream<int> s) { return staged("net", s, leave_below(3), box_it, unbox); }),
                        {{2, {"20 rung 0"}}, {5, {"500 rung 1"}}, {7, {"7000 rung 2"}}}));
  t.push_back(flow_case("a staged of one stage", {"staged-last"},
                        from_int([](Stream<int> s) { return staged("net", s, twice); }), {{4, {"8 rung 0"}}}));
  t.push_back(flow_case("a failing stage fails the request", {"staged-fails"}, from_int([](Stream<int> s) {
                          const auto second = [](const std::string& x) -> Result<Boxes> {
                            if (read_number(x) == 5) return Error(Code::bad_value, "not 5");
                            return box_it(x);
                          };
                          return staged(
                              "net", s,
                              [](int x) { return x == 1 ? throw std::runtime_error("bang") : leave_below(3)(x); },
                              second, [](const Boxed& b) { return b.n == 9 ? throw 9 : unbox(b); });
                        }),
                        {{1, {"stage_failed at net[0]: bang"}},
                         {2, {"20 rung 0"}},
                         {5, {"bad_value at net[1]: not 5"}},
                         {9, {"stage_failed at net[2]: threw something that is not a std::exception"}}}));
  t.push_back(flow_case("answers and carries that cannot be copied", {"staged-owns"}, from_int([](Stream<int> s) {
                          const auto first = [](MoveOnly&& m) {
                            return *m.n < 3 ? Owned::leave(std::move(m)) : Owned::go_on(std::move(m));
                          };
                          const auto second = [](MoveOnly&& m) {
                            *m.n *= 2;
                            return *m.n < 10 ? Owned::leave(std::move(m)) : Owned::go_on(std::move(m));
                          };
                          return staged("net", s.then("own", [](int x) { return MoveOnly(x); }), first, second,
                                        [](MoveOnly&& m) { return MoveOnly(-*m.n); });
                        }),
                        {{2, {"2 rung 0"}}, {4, {"8 rung 1"}}, {6, {"-12 rung 2"}}}));
  t.push_back(flow_case("a move out of an Exit that throws fails the request", {"staged-move-throws"},
                        from_int([](Stream<int> s) {
                          const auto first = [](int x) {
                            Fragile e = Fragile::go_on(MoveThrows(1));
                            e.carry().n = x;
                            return e;
                          };
                          return staged("net", s, first, [](const MoveThrows& m) { return m.n; });
                        }),
                        {{3, {"3 rung 1"}},
                         {-1, {"stage_failed at net[0]: will not be moved"}},
                         {-2, {"stage_failed at net: will not be moved"}}}));
}

void add_nested(std::vector<Case>& t) {
  t.push_back(flow_case("stages that are flows, with races and cascades in them", {"staged-flows", "nesting"},
                        from_int([](Stream<int> s) {
                          const auto first = flow<int>("first", [](Stream<int> x) {
                            return race("r", x.then("up", plus_one), bang, same).then("exit", go_on_if_odd);
                          });
                          const auto last = flow<std::string>("last", [](Stream<std::string> x) {
                            return cascade("k", x.then("read", read_number),
                                           exit_if(twice, [](int y) { return y > 10; }), same);
                          });
                          return staged("net", s, first, last);
                        }),
                        {{3, {"4 rung 0 winner 1"}}, {2, {"3 rung 1 winner 1"}}, {8, {"18 rung 1 winner 1"}}}));
  t.push_back(flow_case("the rung of the outermost and of the last", {"staged-rung"}, from_int([](Stream<int> s) {
                          const auto inner =
                              flow<int>("inner", [](Stream<int> x) { return staged("in", x, go_on_if_odd, length); });
                          const auto k = cascade("k", s, exit_if(inner, [](int y) { return y > 2; }), give(1));
                          return choose(
                              "c", k, [](int x) { return x > 10; }, same, inner);
                        }),
                        {{2, {"1 rung 1"}}, {4, {"4 rung 0"}}, {7, {"42 rung 1"}}}));
  t.push_back(flow_case("a staged in every element", {"nesting"}, from_int([](Stream<int> s) {
                          return each("e", s.then("v", count_up), flow<int>("one", [](Stream<int> x) {
                                        return staged("net", x, leave_below(2), box_it, unbox);
                                      }));
                        }),
                        {{4, {"[0 10 200 300]"}}}));
}

void later_stages_never_start(const Setting& setting) {
  std::atomic<int> started{0};
  const auto spy = [&](const std::string&) { return ++started, 0; };
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return staged(
        "net", s, [](int x) { return x % 2 ? Words::leave(x) : throw x; }, spy);
  }));
  for (int i = 0; i < 20; ++i) check(engine.run(i).has_value() == (i % 2 == 1), "a wrong outcome");
  check(started == 0, "a stage started behind one that had left or failed");
}

void no_answer_at_the_deadline(const Setting& setting) {
  Gate gate;
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return staged("net", s, leave_below(3), [&](const std::string&) { return gate.pass(), 0; });
  }));
  Opens opens{gate};
  const auto o = engine.submit(7, {.within = 2ms}).get();
  check(show(o) == "deadline_missed", "expected deadline_missed, got " + show(o));
  gate.open();
  check(show(engine.submit(2, {.within = 1h}).get()) == "20 rung 0", "an answer was lost");
}

// Only an assignment that threw leaves an Exit with neither.
void an_empty_exit_fails(const Setting& setting) {
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto first = [](int x) {
      Fragile e = Fragile::leave(x), other = Fragile::go_on(MoveThrows(1));
      other.carry().n = -1;
      try {
        if (x > 2) e = std::move(other);
      } catch (...) {
      }
      return std::make_unique<Fragile>(std::move(e));
    };
    using Ready = std::unique_ptr<Fragile>;
    const auto unwrap = flow<int>("unwrap", [&](Stream<int> x) {
      return x.then("make", first).then("take", [](Ready&& p) { return std::move(*p); });
    });
    return staged("net", s, unwrap, [](const MoveThrows& m) { return m.n; });
  }));
  check(show(engine.run(2)) == "2 rung 0", "expected 2, got " + show(engine.run(2)));
  const std::string got = show(engine.run(3));
  check(got == "stage_failed at net: a stage gave an Exit that neither leaves nor goes on", "got " + got);
}

}  // namespace

void add_staged_cases(std::vector<Case>& t) {
  add_flows(t);
  add_nested(t);
  t.push_back(script_case("later stages never start", {"staged-stops", "staged-fails"}, later_stages_never_start));
  t.push_back(script_case("a staged has no answer at the deadline", {"deadline-staged"}, no_answer_at_the_deadline));
  t.push_back(script_case("an Exit that holds neither", {"staged-move-throws"}, an_empty_exit_fails));
}

}  // namespace tailrace::test
