#include <array>

#include "support/steps.h"

namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

// Equal by its value alone.
struct Tagged {
  int value;
  int tag;
  bool operator==(const Tagged& other) const { return value == other.value; }
};
std::string show(const Tagged& t) { return std::to_string(t.value) + "/" + std::to_string(t.tag); }
auto tagged(int value, int tag) {
  return [=](int) { return Tagged{value, tag}; };
}

// Equal as numbers are, except that nobody can compare a number below zero.
struct Touchy {
  int n;
  bool operator==(const Touchy& other) const {
    if (n < 0 || other.n < 0) throw std::runtime_error("do not compare me");
    return n == other.n;
  }
};
std::string show(const Touchy& t) { return std::to_string(t.n); }

void add_flows(std::vector<Case>& t) {
  t.push_back(flow_case("arms that agree answer", {"quorum-agree", "quorum-winner"}, from_int([](Stream<int> s) {
                          return quorum("q", 2, s, plus_one, twice, [](int x) { return x * x; }).then("t", plus_one);
                        }),
                        {{1, {"3 winner 0"}}, {2, {"5 winner 1"}}, {0, {"1 winner 1"}}, {5, {"no_quorum at q"}}}));
  t.push_back(flow_case("the first arm of those that agree wins", {"quorum-winner", "quorum-equal"},
                        from_int([](Stream<int> s) {
                          return quorum("q", 2, s, tagged(1, 10), tagged(2, 20), tagged(1, 30), tagged(1, 40));
                        }),
                        {{0, {"1/10 winner 0", "1/30 winner 2"}}}));
  t.push_back(flow_case("one arm is enough, or all are needed", {"quorum-agree"}, from_int([](Stream<int> s) {
                          return join("j", quorum("any", 1, s, bang, plus_one), quorum("all", 2, s, plus_one, twice));
                        }),
                        {{1, {"(2 2 ) winner 0"}}, {2, {"no_quorum at all"}}}));
  t.push_back(flow_case("arms that fail decide nothing for the others", {"quorum-arm-fails"},
                        from_int([](Stream<int> s) { return quorum("q", 2, s, bang, same, fail_if(7), same); }),
                        {{7, {"7 winner 1"}}, {3, {"3 winner 1", "3 winner 2"}}}));
  t.push_back(flow_case("too many failures", {"quorum-impossible"},
                        from_int([](Stream<int> s) { return quorum("q", 2, s, bang, same, fail_if(7)); }),
                        {{7, {"no_quorum at q"}}, {3, {"3 winner 1"}}}));
  t.push_back(flow_case("a comparison that throws says that they differ", {"quorum-throws"},
                        from_int([](Stream<int> s) {
                          const auto touchy = [](int x) { return Touchy{x}; };
                          return quorum(
                              "q", 2, s, touchy, [](int x) { return Touchy{-x}; }, touchy);
                        }),
                        {{4, {"4 winner 0"}}, {-4, {"no_quorum at q"}}, {0, {"0 winner 0", "0 winner 1"}}}));
}

void add_nested(std::vector<Case>& t) {
  t.push_back(flow_case(
      "a quorum of flows with races, behind a cascade", {"nesting", "quorum-winner"}, from_int([](Stream<int> s) {
        const auto racing =
            flow<int>("racing", [](Stream<int> x) { return race("r", x, bang, same).then("u", twice); });
        const auto k = cascade("k", s, exit_if(same, [](int x) { return x > 1; }), plus_one);
        return quorum("q", 2, k, racing, bang, twice);
      }),
      {{1, {"4 rung 1 winner 0"}}, {2, {"4 rung 0 winner 0"}}}));
  t.push_back(flow_case("a rung that is a quorum", {"nesting"}, from_int([](Stream<int> s) {
                          const auto vote =
                              flow<int>("vote", [](Stream<int> x) { return quorum("q", 2, x, plus_one, twice); });
                          return cascade("k", s, exit_if(vote, always), same);
                        }),
                        {{1, {"2 rung 0 winner 0"}}, {5, {"5 rung 1"}}}));
  t.push_back(flow_case("a quorum in every element", {"nesting"}, from_int([](Stream<int> s) {
                          return each("e", s.then("v", count_up), flow<int>("one", [](Stream<int> x) {
                                        return quorum("q", 2, x, same, bang, same, plus_one);
                                      }));
                        }),
                        {{2, {"[0 1]"}}}));
  t.push_back(
      flow_case("values of every kind agree", {"quorum-equal"}, from_int([](Stream<int> s) {
                  const auto words = quorum("w", 2, s, spell, spell, [](int) { return std::string("no"); });
                  const auto lists = quorum("l", 2, s, count_up, count_up);
                  return join_with(
                      "j", [](const std::string& a, const std::vector<int>& b) { return a + std::to_string(b.size()); },
                      words, lists);
                }),
                {{3, {spell(3) + "3 winner 0"}}}));
}

void says_what_every_arm_said(const Setting& setting) {
  auto engine = setting.start(from_int([](Stream<int> s) {
    const auto arm = flow<int>("arm", [](Stream<int> x) { return x.then("up", plus_one).then("crash", bang); });
    return quorum("vote", 3, s, twice, arm, plus_one, twice);
  }));
  Setting strict = setting;
  strict.max_losers = 0;
  auto ordered = strict.start(from_int([](Stream<int> s) {
    const auto arm = flow<int>("arm", [](Stream<int> x) { return x.then("up", plus_one).then("crash", bang); });
    return quorum("vote", 3, s, twice, arm, twice, fail_if(5), twice);
  }));
  const auto o = engine.run(5);
  check(!o && o.error().code() == Code::no_quorum && o.error().where() == "vote", "not no_quorum at vote");
  const auto in_order = ordered.run(5);
  check(in_order.has_value() && in_order.winner == 0, "three of five agree, got " + test::show(in_order));
  auto short_of_one = strict.start(from_int([](Stream<int> s) {
    const auto arm = flow<int>("arm", [](Stream<int> x) { return x.then("up", plus_one).then("crash", bang); });
    return quorum("vote", 3, s, twice, arm, twice, fail_if(5), fail_if(5));
  }));
  const std::string want =
      "vote[0]: an answer; vote[1].crash: bang; vote[2]: as [0]; vote[3]: not 5; vote[4]: not done";
  const auto told = short_of_one.run(5);
  check(!told && told.error().what() ==
                     "vote[0]: an answer; vote[1].crash: bang; vote[2]: as [0]; vote[3]: not 5; "
                     "vote[4]: not 5",
        "not every arm is listed: " + test::show(told) + ": " + (told ? "" : std::string(told.error().what())));
  auto early = strict.start(from_int([](Stream<int> s) {
    const auto arm = flow<int>("arm", [](Stream<int> x) { return x.then("up", plus_one).then("crash", bang); });
    return quorum("vote", 4, s, twice, arm, twice, fail_if(5), twice);
  }));
  const auto impossible = early.run(5);
  check(!impossible && impossible.error().what() == want,
        "expected " + want + ", got " + (impossible ? "" : std::string(impossible.error().what())));
}

// The rest is told to stop and never waited for, whether enough agree or no longer can.
void nobody_is_waited_for(const Setting& setting) {
  if (setting.threads < 4 || setting.max_losers == 0) return;
  Gate gate;
  std::atomic<int> told{0};
  {
    auto engine = setting.start(from_int([&](Stream<int> s) {
      const auto slow = [&](int x, const Context& c) {
        gate.pass();
        told += eventually([&] { return c.stop_requested(); });
        return x;
      };
      const auto fast = [&](int x) { return eventually([&] { return gate.arrived() > 0; }), x; };
      return choose(
          "c", s, [](int x) { return x; },
          flow<int>("yes", [&](Stream<int> x) { return quorum("q", 2, x, fast, slow, fast); }),
          flow<int>("no", [&](Stream<int> x) { return quorum("q", 3, x, bang, slow, fast); }));
    }));
    Opens opens{gate};
    const auto yes = engine.submit(0).get();
    check(test::show(yes) == "0 winner 0", "expected an answer, got " + test::show(yes));
    const auto no = engine.submit(1).get();
    check(test::show(no) == "no_quorum at c[1].q", "expected no_quorum, got " + test::show(no));
    check(gate.closed(), "somebody waited for an arm");
  }
  check(told >= 1 && told == gate.arrived(), "an arm was not told to stop");
}

void arms_run_at_the_same_time(const Setting& setting) {
  if (setting.threads < 2 || setting.max_losers == 0) return;
  std::atomic<int> inside{0};
  const auto meet = [&](int x) { return ++inside, eventually([&] { return inside >= 2; }) ? x : -1; };
  auto engine = setting.start(from_int([&](Stream<int> s) { return quorum("q", 2, s, meet, meet); }));
  const auto o = engine.submit(1).get();
  check(test::show(o) == "1 winner 0", "the arms did not meet: " + test::show(o));
}

void without_room_they_run_in_order(const Setting& setting) {
  Setting strict = setting;
  strict.max_losers = 0;
  std::atomic<int> inside{0}, most{0}, started{0};
  const auto arm = [&](int x) {
    ++started;
    most = std::max<int>(most, ++inside);
    std::this_thread::sleep_for(100us);
    --inside;
    return x;
  };
  auto engine = strict.start(from_int([&](Stream<int> s) { return quorum("q", 2, s, arm, bang, arm, arm); }));
  for (int i = 0; i < 5; ++i) check(test::show(engine.submit(3).get()) == "3 winner 0", "a wrong outcome");
  check(most == 1, "arms ran at the same time although there was no room for losers");
  check(started == 10, "an arm started although enough had agreed");
}

void only_so_many_can_agree(const Setting& setting) {
  for (int agree : {0, -1, 3}) {
    const auto f = from_int([&](Stream<int> s) { return quorum("q", agree, s, same, twice); });
    auto plan = optimise(f);
    const std::string want = "q: asks for " + std::to_string(agree) + " arms that agree, expected 1 to 2";
    check(!plan && plan.error().what() == want, "not refused: " + (plan ? "" : plan.error().what()));
  }
  check(setting.start(from_int([&](Stream<int> s) { return quorum("q", 2, s, same, same); })).run(1).has_value(), "");
}

}  // namespace

void add_quorum_cases(std::vector<Case>& t) {
  add_flows(t);
  add_nested(t);
  t.push_back(script_case("no_quorum lists every arm", {"quorum-text", "quorum-impossible"}, says_what_every_arm_said));
  t.push_back(script_case("arms of a quorum are not waited for", {"quorum-stops"}, nobody_is_waited_for));
  t.push_back(script_case("arms of a quorum run at the same time", {"quorum-together"}, arms_run_at_the_same_time));
  t.push_back(script_case("a quorum without room runs in order", {"quorum-in-order"}, without_room_they_run_in_order));
  t.push_back(script_case("so many must be able to agree", {"quorum-range"}, only_so_many_can_agree));
}

}  // namespace tailrace::test
