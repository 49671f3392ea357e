// verify: every mistake by itself, and all at once.
#include "tailrace/plan/verify.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"

namespace tr = tailrace;

namespace {

int next(int x) { return x + 1; }
bool odd(int x) { return x % 2 != 0; }
double half(int x) { return x / 2.0; }
bool big(double x) { return x > 1; }
using Step = tr::Exit<int, double>;
Step step(int x) { return Step::leave(x); }
int whole(double x) { return static_cast<int>(x); }

tr::Graph sample() {
  return tr::flow<int>("f",
                       [](tr::Stream<int> x) {
                         auto a = x.then("a", next);
                         auto c = tr::cascade("c", a, tr::exit_if(next, odd), next);
                         auto r = tr::race("r", c, tr::valid_if(odd), next, next);
                         auto w = tr::choose(
                             "w", r, [](int) { return 0; }, next, next);
                         auto v = w.then("v", [](int n) { return std::vector<int>(static_cast<std::size_t>(n)); });
                         auto e = tr::each("e", v, half);
                         return tr::join_with(
                             "j", [](int n, const std::vector<double>& d) { return d[static_cast<std::size_t>(n)]; }, a,
                             e);
                       })
      .graph();
}

tr::Node& at(tr::Graph& g, const std::string& name) {
  for (auto& n : g.nodes)
    if (n.name == name) return n;
  FAIL("no node " + name);
  return g.nodes[0];
}

// What verify says once `spoil` has changed the sample.
std::string after(const std::function<void(tr::Graph&)>& spoil) {
  auto g = sample();
  spoil(g);
  return tr::verify(g).what();
}

tr::Test test_of(bool (*f)(int)) { return tr::detail::make_test<int>(f); }
tr::Test test_of(bool (*f)(double)) { return tr::detail::make_test<double>(f); }

void change_arm(tr::Graph& g, const std::string& node, std::size_t arm, const std::function<void(tr::Graph&)>& change) {
  auto copy = std::make_shared<tr::Graph>(*at(g, node).arms[arm].graph);
  change(*copy);
  at(g, node).arms[arm].graph = copy;
}

}  // namespace

TEST_CASE("a sound graph has no problems") { CHECK(tr::verify(sample()).what() == ""); }

TEST_CASE("numbers must exist and stand in order") {
  CHECK(tr::verify(tr::Graph{}).what() == "has no input");
  CHECK(after([](auto& g) { g.output = 40; }) == "f: its output is node 40, which does not exist");
  CHECK(after([](auto& g) { g.output = -1; }) == "f: its output is node -1, which does not exist");
  CHECK_THAT(after([](auto& g) { at(g, "a").inputs = {5}; }),
             Catch::Contains("reads node 5, which does not stand before it"));
  CHECK_THAT(after([](auto& g) { at(g, "a").inputs = {-1}; }), Catch::StartsWith("a: node 1 reads node -1"));
  CHECK(after([](auto& g) { at(g, "a").kind = tr::Kind::input; }) == "a: is a second input");
  CHECK_THAT(after([](auto& g) { g.nodes[0].kind = tr::Kind::then; }),
             Catch::Contains("the first node must be the input"));
  CHECK_THAT(after([](auto& g) { at(g, "r").arms[0].graph = nullptr; }),
             Catch::Contains("r: has an arm without a graph"));
  CHECK_THAT(after([](auto& g) { at(g, "v").type = nullptr; }), Catch::Contains("v: has no type"));
}

TEST_CASE("names must be given, and once") {
  CHECK_THAT(after([](auto& g) { at(g, "v").name = "a"; }), Catch::StartsWith("a: two stages have the name 'a'"));
  CHECK_THAT(after([](auto& g) { at(g, "v").name = ""; }), Catch::StartsWith("f: stage 5 has no name"));
  CHECK_THAT(after([](auto& g) { at(g, "v").name = "input"; }), Catch::Contains("the name of the flow's own input"));
}

TEST_CASE("types must meet along every edge, and both are named") {
  CHECK(after([](auto& g) { at(g, "a").stage.takes = {&tr::type_of<std::string>}; }) ==
        "a: takes std::string, but 'input' gives int");
  CHECK(after([](auto& g) { at(g, "j").stage.takes[0] = &tr::type_of<double>; }) ==
        "j: input 1 takes double, but 'a' gives int");
  CHECK(after([](auto& g) { at(g, "j").inputs.pop_back(); }).starts_with("e: unused stream"));
  CHECK_THAT(after([](auto& g) { at(g, "j").inputs.pop_back(); }),
             Catch::Contains("j: its function takes 2 values, but it reads 1 streams"));
  CHECK_THAT(after([](auto& g) { at(g, "a").stage.gives = &tr::type_of<double>; }),
             Catch::StartsWith("a: its function gives double, but the stream is of int"));
  CHECK(after([](auto& g) { at(g, "a").stage.take = nullptr; }) == "a: has no function");
  CHECK_THAT(after([](auto& g) { at(g, "r").inputs = {1, 2}; }), Catch::Contains("r: a race reads one stream, not 2"));
}

TEST_CASE("a stream that nobody reads is refused") {
  CHECK_THAT(after([](auto& g) { at(g, "j").inputs[1] = 1; }), Catch::StartsWith("e: unused stream"));
}

TEST_CASE("arms must take what the combinator reads and give what it gives") {
  const auto wrong_in = [](tr::Graph& arm) { arm.nodes[0].type = arm.nodes[1].stage.takes[0] = &tr::type_of<double>; };
  const auto wrong_out = [](tr::Graph& arm) { arm.nodes[1].type = arm.nodes[1].stage.gives = &tr::type_of<double>; };
  CHECK(after([&](auto& g) { change_arm(g, "r", 1, wrong_in); }) == "r[1]: takes double, but 'c' gives int");
  CHECK(after([&](auto& g) { change_arm(g, "r", 1, wrong_out); }) ==
        "r[1]: gives double, but 'r' gives int: all arms must give one type");
  CHECK(after([&](auto& g) { change_arm(g, "e", 0, wrong_in); }) == "e[0]: takes double, but an element is int");
  CHECK(after([](auto& g) { at(g, "r").arms.clear(); }) == "r: a race needs at least one arm");
  CHECK_THAT(after([](auto& g) { at(g, "a").arms = at(g, "r").arms; }), Catch::Contains("a: a then has no arms"));
  CHECK_THAT(after([&](auto& g) { change_arm(g, "r", 0, [](tr::Graph& arm) { arm.output = 9; }); }),
             Catch::Contains("r[0]: its output is node 9"));
}

TEST_CASE("tests must stand where they belong and take what they judge") {
  CHECK(after([](auto& g) { at(g, "c").arms[0].exit = {}; }) ==
        "c[0]: every rung of a cascade but the last needs an exit test");
  CHECK(after([](auto& g) { at(g, "c").arms[1].exit = test_of(odd); }) ==
        "c[1]: the last rung of a cascade always answers, so it has no exit test");
  CHECK(after([](auto& g) { at(g, "c").arms[0].exit = test_of(big); }) ==
        "c[0]: its exit test takes double, but the rung gives int");
  CHECK(after([](auto& g) { at(g, "r").test = test_of(big); }) ==
        "r: its validity test takes double, but its arms give int");
  CHECK(after([](auto& g) { at(g, "r").arms[0].exit = test_of(odd); }) == "r[0]: an arm of a race has no exit test");
  CHECK(after([](auto& g) { at(g, "w").arms[0].exit = test_of(odd); }) == "w[0]: an arm of a choose has no exit test");
  CHECK(after([](auto& g) { at(g, "e").arms[0].exit = test_of(big); }) == "e[0]: the flow of an each has no exit test");
  CHECK(after([](auto& g) { at(g, "w").test = {}; }) == "w: needs a selector, which says the arm");
  CHECK(after([](auto& g) { at(g, "w").test = test_of(big); }) == "w: its selector takes double, but 'r' gives int");
  CHECK(after([](auto& g) { at(g, "c").test = test_of(odd); }) == "c: a cascade has no test of its own");
}

TEST_CASE("so many arms of a quorum must be able to agree, and their answers must be comparable") {
  const auto quorum = [](const std::function<void(tr::Node&)>& spoil, int agree = 2) {
    auto g = tr::flow<int>("f", [&](tr::Stream<int> x) { return tr::quorum("q", agree, x, next, next); }).graph();
    spoil(at(g, "q"));
    return tr::verify(g).what();
  };
  const auto nothing = [](tr::Node&) {};
  CHECK(quorum(nothing) == "");
  CHECK(quorum(nothing, 1) == "");
  CHECK(quorum(nothing, 0) == "q: asks for 0 arms that agree, expected 1 to 2");
  CHECK(quorum(nothing, 3) == "q: asks for 3 arms that agree, expected 1 to 2");
  CHECK(quorum(nothing, -7) == "q: asks for -7 arms that agree, expected 1 to 2");
  CHECK(quorum([](auto& n) { n.equality = nullptr; }) == "q: cannot compare what its arms give");
  CHECK(quorum([](auto& n) { n.equality = tr::detail::equality_of<char>; }) ==
        "q: compares char, but its arms give int");
  CHECK(quorum([](auto& n) { n.arms[1].exit = test_of(odd); }) == "q[1]: an arm of a quorum has no exit test");
  CHECK(quorum([](auto& n) { n.test = test_of(odd); }) == "q: a quorum has no test of its own");
  CHECK_THAT(quorum([](auto& n) { n.arms.clear(); }), Catch::Contains("q: a quorum needs at least one arm"));
}

TEST_CASE("a hedge has one call of what may be asked twice, or two") {
  const auto hedge = [](const std::function<void(tr::Node&)>& spoil, bool replicable = true) {
    const auto twice = tr::flow<int>("twice", [&](tr::Stream<int> x) {
      return tr::join_with("both", tr::stage([](int a, int b) { return a + b; }, {.replicable = replicable}), x,
                           x.then("next", tr::stage(next, {.replicable = replicable})));
    });
    auto g = tr::flow<int>("f", [&](tr::Stream<int> x) { return tr::hedge("h", x, {"idle"}, twice); }).graph();
    spoil(at(g, "h"));
    return tr::verify(g).what();
  };
  const auto nothing = [](tr::Node&) {};
  CHECK(hedge(nothing) == "");
  CHECK_THAT(hedge(nothing, false), Catch::Contains("h[0].next: may be asked twice for one request") &&
                                        Catch::Contains("h[0].both: may be asked twice for one request"));
  CHECK(hedge([](auto& n) { n.arms.push_back(n.arms[0]); }, false) == "");
  CHECK(hedge([](auto& n) { n.policy.name.clear(); }) == "h: a hedge needs the name of a policy");
  CHECK(hedge([](auto& n) { n.arms.resize(3, n.arms[0]); }) == "h: a hedge has one or two calls, got 3");
  CHECK(hedge([](auto& n) { n.test = test_of(odd); }) == "h: a hedge has no test of its own");
  CHECK(hedge([](auto& n) { n.arms[0].exit = test_of(odd); }) == "h[0]: a call of a hedge has no exit test");
  CHECK_THAT(hedge([](auto& n) { n.arms.clear(); }), Catch::Contains("h: a hedge needs at least one arm"));
}

TEST_CASE("a plan names policies of hedges only, one for each stage") {
  tr::PlanData plan{
      tr::flow<int>("f", [](tr::Stream<int> x) { return tr::hedge("h", x.then("a", next), {"idle"}, next, next); })
          .share(),
      {}};
  plan.choices.root = tr::default_choices(*plan.graph);
  plan.choices.root.hedge = {{}, {}, {"never"}};
  CHECK(tr::verify(plan).what() == "");
  CHECK(tr::policy_of(plan.graph->at(2), plan.choices.root, 2).name == "never");
  plan.choices.root.hedge = {{}, {"never"}, {}};
  CHECK(tr::verify(plan).what() == "a: only a hedge has a hedging policy");
  CHECK(tr::policy_of(plan.graph->at(2), plan.choices.root, 2).name == "idle");
  plan.choices.root.hedge.pop_back();
  CHECK_THAT(tr::verify(plan).what(), Catch::Contains("they must be as many as stages"));
}

TEST_CASE("the stages of a staged take each other's carries and answer with one type") {
  const auto staged = [](const std::function<void(tr::Node&)>& spoil) {
    auto g = tr::flow<int>("f", [](tr::Stream<int> x) { return tr::staged("s", x, step, whole); }).graph();
    spoil(at(g, "s"));
    return tr::verify(g).what();
  };
  const auto other_carry = &tr::detail::exit_ops<tr::Exit<int, char>>;
  const auto other_answer = &tr::detail::exit_ops<tr::Exit<char, double>>;
  CHECK(staged([](auto&) {}) == "");
  CHECK(staged([](auto& n) { n.arms.clear(); }) == "s: a staged needs at least one arm");
  CHECK(staged([](auto& n) { n.arms[0].exit_ops = nullptr; }) ==
        "s[0]: every stage of a staged but the last must give an Exit");
  CHECK(staged([](auto& n) { n.arms[1].exit_ops = n.arms[0].exit_ops; }) ==
        "s[1]: the last stage of a staged always answers, so it gives no Exit");
  CHECK(staged([](auto& n) { n.arms[0].exit = test_of(odd); }) ==
        "s[0]: a stage of a staged has no exit test: what it gives says whether it leaves");
  CHECK(staged([](auto& n) { n.test = test_of(odd); }) == "s: a staged has no test of its own");
  CHECK(staged([&](auto& n) { n.arms[0].exit_ops = other_carry; }) ==
        "s[0]: gives tailrace::Exit<int, double>, but is taken apart as tailrace::Exit<int, char>\n"
        "s[1]: takes double, but 's[0]' goes on with char");
  CHECK(staged([&](auto& n) { n.arms[0].exit_ops = other_answer; }) ==
        "s[0]: gives tailrace::Exit<int, double>, but is taken apart as tailrace::Exit<char, double>\n"
        "s[0]: leaves with char, but 's' gives int");
  CHECK(staged([](auto& n) { n.type = &tr::type_of<char>; }) ==
        "s[0]: leaves with int, but 's' gives char\ns[1]: gives int, but 's' gives char");
}

TEST_CASE("a staged has a reserve only where a stage may go on with an answer") {
  using Anytime = tr::AnytimeExit<int, double>;
  const auto guess = [](int x) { return Anytime::go_on(x, x); };
  const auto with = [&](auto first, std::optional<tr::Duration> reserve) {
    auto g = tr::flow<int>("f", [&](tr::Stream<int> x) { return tr::staged("s", x, first, whole); }).graph();
    at(g, "s").reserve = reserve;
    return tr::verify(g).what();
  };
  CHECK(with(guess, {}) == "");
  CHECK(with(guess, tr::Duration(0)) == "");
  CHECK(with(guess, tr::Duration(-1)) == "s: reserves a negative time for what follows it");
  CHECK(with(step, tr::Duration(1)) ==
        "s: reserves time for what follows it, but none of its stages gives an AnytimeExit, so that there is no answer "
        "to be cut off with");
  const auto chosen = [&](auto first) {
    const auto flow = tr::flow<int>("f", [&](tr::Stream<int> x) { return tr::staged("s", x, first, whole); });
    tr::PlanData plan{flow.share(), {}};
    plan.choices.root = tr::default_choices(*plan.graph);
    plan.choices.root.reserve = {tr::Duration(-1), tr::Duration(1)};
    return tr::verify(plan).what();
  };
  CHECK(chosen(guess) == "");
  CHECK(chosen(step) == "s: only a cascade has a cut-off, or a staged of which a stage gives an AnytimeExit");
}

TEST_CASE("an each works on a vector of what its flow takes") {
  CHECK(after([](auto& g) { at(g, "e").each_in = nullptr; }) ==
        "e: an each needs one flow, for the elements of a vector");
  CHECK(after([](auto& g) { at(g, "e").each_in = &tr::detail::each_in<double>; }) ==
        "e: takes std::vector<double>, but 'v' gives std::vector<int>\ne[0]: takes int, but an element is double");
  CHECK(after([](auto& g) {
          at(g, "e").each_out = &tr::detail::each_keep<double>;
        }).starts_with("e: gives std::vector<tailrace::Result<"));
}

TEST_CASE("problems inside arms carry their path, and all come at once") {
  const std::string all = after([](auto& g) {
    g.problems.add(tr::Code::invalid_flow, "", "was recorded");
    at(g, "a").stage.takes = {&tr::type_of<char>};
    at(g, "c").arms[0].exit = {};
    change_arm(g, "c", 1, [](tr::Graph& arm) { arm.nodes[1].stage.takes = {&tr::type_of<char>}; });
    change_arm(g, "r", 0, [](tr::Graph& arm) { arm.problems.add(tr::Code::invalid_flow, "x", "was recorded too"); });
    at(g, "w").test = {};
  });
  CHECK(all ==
        "f: was recorded\n"
        "a: takes char, but 'input' gives int\n"
        "c[0]: every rung of a cascade but the last needs an exit test\n"
        "w: needs a selector, which says the arm\n"
        "c[1]: takes char, but 'input' gives int\n"
        "r[0].x: was recorded too");
}

TEST_CASE("nesting and size are bounded") {
  auto deep = tr::flow<int>("deep", [](tr::Stream<int> x) { return x.then("a", next); });
  for (int i = 1; i < 64; ++i) deep = tr::flow<int>("deep", [&](tr::Stream<int> x) { return tr::race("r", x, deep); });
  CHECK(tr::verify(deep.graph()).what() == "");
  const auto deeper = tr::flow<int>("deeper", [&](tr::Stream<int> x) { return tr::race("r", x, deep); });
  CHECK(tr::verify(deeper.graph()).what() ==
        "deeper: is too large: at most 64 flows inside each other and 65536 stages in all");
  // Forty flows, each twice in the next: a small graph in memory, a million million stages when spelt out.
  auto wide = tr::flow<int>("wide", [](tr::Stream<int> x) { return x.then("a", next); });
  for (int i = 0; i < 40; ++i)
    wide = tr::flow<int>("wide", [&](tr::Stream<int> x) { return tr::race("r", x, wide, wide); });
  CHECK_FALSE(tr::within_bounds(wide.graph()));
  CHECK(tr::verify(wide.graph()).size() == 1);
  CHECK_THAT(tr::difference(wide.graph(), deep.graph()), Catch::Contains("too large"));
}

namespace {

tr::PlanData plan() {
  auto graph = std::make_shared<const tr::Graph>(sample());
  tr::PlanData p{graph, {}};
  p.choices.root = tr::default_choices(*graph);
  return p;
}
std::string after_plan(const std::function<void(tr::PlanData&)>& spoil) {
  auto p = plan();
  spoil(p);
  return tr::verify(p).what();
}

}  // namespace

TEST_CASE("choices must fit the graph") {
  CHECK(after_plan([](auto&) {}) == "");
  CHECK(after_plan([](auto& p) { p.graph = nullptr; }) == "the plan has no graph");
  CHECK_THAT(after_plan([](auto& p) { p.choices.root.group.pop_back(); }),
             Catch::StartsWith("f: the choices are for another graph"));
  CHECK_THAT(after_plan([](auto& p) { p.choices.root.arms[2][1].device.clear(); }),
             Catch::StartsWith("c[1]: the choices are for another graph"));
  CHECK_THAT(after_plan([](auto& p) { p.choices.root.arms[2].pop_back(); }),
             Catch::StartsWith("c: the choices are for another graph"));
  CHECK(after_plan([](auto& p) { p.choices.root.fork[1] = true; }) == "a: only a join can fork");
  CHECK(after_plan([](auto& p) { p.choices.root.group[2] = p.choices.root.group[1]; }) ==
        "c: only functions, models and joins can share a group");
  CHECK(after_plan([](auto& p) { p.choices.root.group[5] = p.choices.root.group[1]; }) ==
        "v: group 1 is torn: its stages must follow each other");
}

TEST_CASE("a plan with a model that nothing was found for is refused, in arms too") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) {
    return tr::race("r", x.then("m", tr::model<int, int>("net")), next, tr::model<int, int>("other"));
  });
  tr::PlanData p{f.share(), {}};
  p.choices.root = tr::default_choices(f.graph());
  CHECK(tr::verify(f.graph()).empty());
  const auto problems = tr::verify(p);
  REQUIRE(problems.size() == 2);
  CHECK(problems.code() == tr::Code::unknown_name);
  CHECK_THAT(problems.what(), Catch::Contains("m: nobody said which model 'net' is"));
  CHECK_THAT(problems.what(), Catch::Contains("r[1]: nobody said which model 'other' is"));
}
