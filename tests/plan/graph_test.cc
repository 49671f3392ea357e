// Graphs as data: order, readers, paths, difference.
#include "tailrace/plan/graph.h"

#include <catch2/catch.hpp>

#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/plan/choices.h"

namespace tr = tailrace;

namespace {

tr::Node node(tr::Kind kind, std::string name, std::vector<int> inputs) {
  tr::Node n;
  n.kind = kind;
  n.name = std::move(name);
  n.type = &tr::type_of<int>;
  n.inputs = std::move(inputs);
  return n;
}

tr::Graph graph(std::vector<tr::Node> nodes, int output) {
  tr::Graph g;
  g.name = "g";
  g.nodes = std::move(nodes);
  g.output = output;
  return g;
}

std::string names(const tr::Graph& g) {
  std::string text;
  for (const auto& n : g.nodes) {
    text += n.name + "(";
    for (int in : n.inputs) text += g.at(in).name + ",";
    text += ") ";
  }
  return text;
}

int next(int x) { return x + 1; }
bool odd(int x) { return x % 2 != 0; }

}  // namespace

TEST_CASE("every kind has a name") {
  using K = tr::Kind;
  CHECK(tr::name(K::input) == "input");
  CHECK(tr::name(K::then) == "then");
  CHECK(tr::name(K::join) == "join");
  CHECK(tr::name(K::race) == "race");
  CHECK(tr::name(K::quorum) == "quorum");
  CHECK(tr::name(K::hedge) == "hedge");
  CHECK(tr::name(K::cascade) == "cascade");
  CHECK(tr::name(K::staged) == "staged");
  CHECK(tr::name(K::choose) == "choose");
  CHECK(tr::name(K::each) == "each");
}

TEST_CASE("readers are counted, the output once more") {
  const auto g = graph({node(tr::Kind::input, "input", {}), node(tr::Kind::then, "a", {0}),
                        node(tr::Kind::join, "j", {1, 1}), node(tr::Kind::join, "k", {0, 2})},
                       3);
  CHECK(tr::count_readers(g) == std::vector<int>{2, 2, 1, 1});
}

TEST_CASE("nodes are numbered from the output backwards, whatever order they were made in") {
  const auto one = tr::in_order(graph({node(tr::Kind::input, "input", {}), node(tr::Kind::then, "a", {0}),
                                       node(tr::Kind::then, "b", {0}), node(tr::Kind::join, "j", {1, 2})},
                                      3));
  const auto other = tr::in_order(graph({node(tr::Kind::input, "input", {}), node(tr::Kind::then, "b", {0}),
                                         node(tr::Kind::then, "a", {0}), node(tr::Kind::join, "j", {2, 1})},
                                        3));
  CHECK(names(one) == "input() a(input,) b(input,) j(a,b,) ");
  CHECK(names(other) == names(one));
  CHECK(tr::difference(one, other) == "");
}

TEST_CASE("nodes may come in any order") {
  const auto g = tr::in_order(
      graph({node(tr::Kind::input, "input", {}), node(tr::Kind::then, "b", {2}), node(tr::Kind::then, "a", {0})}, 1));
  CHECK(names(g) == "input() a(input,) b(a,) ");
  CHECK(g.output == 2);
  CHECK(g.problems.empty());
}

TEST_CASE("a stream that nobody reads is a problem, told once at its end") {
  const auto g = tr::in_order(graph({node(tr::Kind::input, "input", {}), node(tr::Kind::then, "a", {0}),
                                     node(tr::Kind::then, "b", {1}), node(tr::Kind::then, "c", {0})},
                                    3));
  CHECK(names(g) == "input() c(input,) ");
  REQUIRE(g.problems.size() == 1);
  CHECK(g.problems.where() == "b");
  CHECK_THAT(g.problems.what(), Catch::Contains("unused stream: nobody reads what 'b' gives"));
  CHECK(tr::in_order(g).problems.size() == 1);  // recorded problems stay
}

TEST_CASE("what was wrong inside a dropped node is kept") {
  auto inner = std::make_shared<tr::Graph>(graph({node(tr::Kind::input, "input", {})}, 0));
  inner->problems.add(tr::Code::invalid_flow, "deep", "is wrong");
  auto race = node(tr::Kind::race, "r", {0});
  race.arms.push_back({"arm", inner, {}});
  const auto g = tr::in_order(graph({node(tr::Kind::input, "input", {}), race, node(tr::Kind::then, "c", {0})}, 2));
  REQUIRE(g.problems.size() == 2);
  CHECK(g.problems.list()[1].where == "r[0].deep");
}

TEST_CASE("a circle and a number that does not exist are problems") {
  const auto circle = tr::in_order(
      graph({node(tr::Kind::input, "input", {}), node(tr::Kind::then, "a", {2}), node(tr::Kind::then, "b", {1})}, 2));
  CHECK_THAT(circle.problems.what(), Catch::Contains("streams must not go round in a circle"));
  const auto self = tr::in_order(graph({node(tr::Kind::input, "input", {}), node(tr::Kind::then, "a", {1})}, 1));
  CHECK(self.problems.where() == "a");
  const auto wild = tr::in_order(graph({node(tr::Kind::input, "input", {}), node(tr::Kind::then, "a", {7})}, 1));
  CHECK_THAT(wild.problems.what(), Catch::Contains("reads node 7, which does not exist"));
  const auto unread = tr::in_order(graph({node(tr::Kind::input, "input", {}), node(tr::Kind::then, "a", {-3})}, 0));
  CHECK(unread.problems.size() == 1);
}

TEST_CASE("a chain of a hundred thousand stages is ordered without deep recursion") {
  std::vector<tr::Node> nodes{node(tr::Kind::input, "input", {})};
  for (int i = 0; i < 100'000; ++i) nodes.push_back(node(tr::Kind::then, "s" + std::to_string(i), {i}));
  const auto g = tr::in_order(graph(std::move(nodes), 100'000));
  CHECK(g.nodes.size() == 100'001);
  CHECK(g.problems.empty());
}

TEST_CASE("paths name arms by number, and a lone function by its arm") {
  CHECK(tr::path_of("", node(tr::Kind::then, "a", {0})) == "a");
  CHECK(tr::path_of("label[1]", node(tr::Kind::then, "softmax", {0})) == "label[1].softmax");
  CHECK(tr::path_of("label[1]", node(tr::Kind::then, "", {0})) == "label[1]");
  CHECK(tr::arm_path("label", 1) == "label[1]");
}

namespace {

// One flow with a knob on everything that counts.
struct Knobs {
  std::string flow = "f", stage = "a", function = "next";
  double parameter = 1;
  tr::Need need{};
  bool fallback = true;
  std::optional<tr::Duration> reserve{};
  std::string exit = "odd";
  int arms = 2;
};

std::shared_ptr<const tr::Graph> make(const Knobs& k) {
  auto f = tr::flow<int>(k.flow, [&](tr::Stream<int> x) {
    auto a = x.then(k.stage, tr::named(k.function, {{"by", k.parameter}}, next));
    auto m = a.then("m", tr::model<int, int>("net", k.need));
    auto exit = tr::exit_if(next, tr::named(k.exit, odd));
    auto c = k.reserve    ? tr::cascade("c", m, tr::reserve(*k.reserve), exit, next)
             : k.fallback ? tr::cascade("c", m, exit, next)
                          : tr::cascade("c", m, tr::no_fallback, exit, next);
    return k.arms == 2 ? tr::race("r", c, next, next) : tr::race("r", c, next, next, next);
  });
  return f.share();
}

}  // namespace

TEST_CASE("graphs differ in what counts, and the difference says where") {
  const auto base = make({});
  CHECK(*base == *make({}));
  const auto against = [&](const Knobs& k) { return tr::difference(*base, *make(k)); };
  CHECK(against({.flow = "g"}) == "flow 'f' against 'g'");
  CHECK(against({.stage = "b"}) == "stage 'a' against 'b'");
  CHECK(against({.function = "other"}) == "a: function 'next' against 'other'");
  CHECK_THAT(against({.parameter = 2}), Catch::StartsWith("a (function): parameters 'by = 1"));
  CHECK_THAT(against({.need = {.accuracy = 0.5}}), Catch::StartsWith("m: accuracy needed"));
  CHECK(against({.reserve = std::chrono::nanoseconds(5)}) == "c: reserve 'none' against '5 ns'");
  CHECK(against({.fallback = false}) == "c: fallback 'on' against 'off'");
  CHECK(against({.exit = "even"}) == "c[0]: exit test 'odd' against 'even'");
  CHECK(against({.arms = 3}) == "r: arms '2' against '3'");
}

TEST_CASE("quorums that ask for different numbers differ") {
  const auto ask = [](int agree) {
    const auto same = [](int x) { return x; };
    return tr::flow<int>("f", [&](tr::Stream<int> x) { return tr::quorum("q", agree, x, same, same); });
  };
  CHECK(tr::difference(ask(1).graph(), ask(1).graph()) == "");
  CHECK(tr::difference(ask(1).graph(), ask(2).graph()) == "q: agreeing arms '1' against '2'");
}

TEST_CASE("hedges under different policies differ") {
  const auto under = [](const tr::PolicyUse& policy) {
    const auto same = tr::stage([](int x) { return x; }, {.replicable = true});
    return tr::flow<int>("f", [&](tr::Stream<int> x) { return tr::hedge("h", x, policy, same); });
  };
  CHECK(tr::difference(under({"never"}).graph(), under({"never"}).graph()) == "");
  CHECK(tr::difference(under({"never"}).graph(), under({"idle"}).graph()) == "h: policy 'never' against 'idle'");
  CHECK_THAT(tr::difference(under({"idle"}).graph(), under({"idle", {{"delay_ms", 1}}}).graph()),
             Catch::StartsWith("h (policy): parameters '' against 'delay_ms = 1"));
}

TEST_CASE("graphs differ in types, tests and length, never in pointers or options") {
  const auto one = [](auto f) { return tr::flow<int>("f", [&](tr::Stream<int> x) { return x.then("a", f); }).share(); };
  CHECK(*one(next) == *one([](int x) { return x - 1; }));
  CHECK(*one(next) == *one(tr::stage(next, {.quick = true})));
  CHECK(tr::difference(*one(next), *one([](int) { return 1.0; })) == "a: type 'int' against 'double'");
  const auto longer = tr::flow<int>("f", [&](tr::Stream<int> x) { return x.then("a", next).then("b", next); }).share();
  CHECK(tr::difference(*one(next), *longer) == "stages '1' against '2'");
  const auto race = [](auto... valid) {
    return tr::flow<int>("f", [&](tr::Stream<int> x) { return tr::race("r", x, valid..., next, next); }).share();
  };
  CHECK(tr::difference(*race(), *race(tr::valid_if(odd))) == "r: validity test 'none' against 'given'");
}

TEST_CASE("default choices run one stage per block on the CPU, in arms too") {
  const auto g = make({});
  const auto choices = tr::default_choices(*g);
  CHECK(choices.group == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(choices.device == std::vector<tr::Device>(5));
  CHECK(choices.fork == std::vector<bool>(5));
  REQUIRE(choices.arms.size() == 5);
  CHECK(choices.arms[1].empty());
  REQUIRE(choices.arms[3].size() == 2);
  CHECK(choices.arms[3][1].group == std::vector<int>{0, 1});
}
