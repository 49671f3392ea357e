// join, race, cascade, choose, each: what they become in the graph.
#include "tailrace/flow/combine.h"

#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tailrace/flow/flow.h"
#include "tailrace/plan/verify.h"

namespace tr = tailrace;

namespace {

int next(int x) { return x + 1; }
int add(int a, int b) { return a + b; }
bool odd(int x) { return x % 2 != 0; }
std::size_t pick(int) { return 0; }

template <class In, class Build>
std::shared_ptr<const tr::Graph> graph(Build build) {
  const auto g = tr::flow<In>("f", build).share();
  CHECK(tr::verify(*g).what() == "");
  return g;
}
const tr::Node& last(const std::shared_ptr<const tr::Graph>& g) { return g->at(g->output); }

}  // namespace

TEST_CASE("join_with reads every stream in order") {
  const auto g = graph<int>([](tr::Stream<int> x) {
    auto b = x.then("b", next);
    return tr::join_with("sum", add, x.then("a", next), b);
  });
  CHECK(last(g).kind == tr::Kind::join);
  CHECK(last(g).stage.function == "sum");
  CHECK(g->at(last(g).inputs[0]).name == "a");
  CHECK(g->at(last(g).inputs[1]).name == "b");
}

TEST_CASE("join makes a tuple") {
  const auto g =
      graph<int>([](tr::Stream<int> x) { return tr::join("both", x, x.then("text", [](int) { return 'c'; })); });
  CHECK(last(g).stage.function == "tuple");
  CHECK(equal(*last(g).type, tr::type_of<std::tuple<int, char>>));
}

TEST_CASE("race has arms, and a validity test where given") {
  const auto plain = graph<int>([](tr::Stream<int> x) { return tr::race("r", x, next, tr::named("slow", next)); });
  CHECK(last(plain).kind == tr::Kind::race);
  REQUIRE(last(plain).arms.size() == 2);
  CHECK(last(plain).arms[1].name == "slow");
  CHECK_FALSE(last(plain).test);
  const auto valid =
      graph<int>([](tr::Stream<int> x) { return tr::race("r", x, tr::valid_if(tr::named("odd", odd)), next); });
  CHECK(last(valid).test.function == "odd");
}

TEST_CASE("an arm that is one function is a graph of its input and a stage without a name") {
  const auto g = graph<int>([](tr::Stream<int> x) { return tr::race("r", x, next, tr::model<int, int>("net")); });
  const tr::Graph& arm = *last(g).arms[0].graph;
  REQUIRE(arm.nodes.size() == 2);
  CHECK(arm.name.empty());
  CHECK(arm.nodes[1].name.empty());
  CHECK(arm.output == 1);
  CHECK(last(g).arms[1].name == "net");
}

TEST_CASE("an arm that is a flow shares its graph") {
  const auto inner = tr::flow<int>("inner", [](tr::Stream<int> x) { return x.then("a", next); });
  const auto g = graph<int>([&](tr::Stream<int> x) { return tr::race("r", x, inner, next); });
  CHECK(last(g).arms[0].graph == inner.share());
  CHECK(last(g).arms[0].name == "inner");
}

TEST_CASE("cascade keeps the exit test of each rung but the last") {
  const auto build = [](auto... first) {
    return graph<int>([&](tr::Stream<int> x) {
      return tr::cascade("c", x, first..., tr::exit_if(next, tr::named("odd", {{"least", 1}}, odd)), next);
    });
  };
  const auto g = build();
  REQUIRE(last(g).arms.size() == 2);
  CHECK(last(g).arms[0].exit.function == "odd");
  CHECK(last(g).arms[0].exit.parameters.number("least", 0) == 1);
  CHECK_FALSE(last(g).arms[1].exit);
  CHECK(last(g).fallback);
  CHECK_FALSE(last(build(tr::no_fallback)).fallback);
}

TEST_CASE("quorum keeps how many must agree and how answers are compared") {
  const auto g =
      graph<int>([](tr::Stream<int> x) { return tr::quorum("q", 2, x, next, tr::named("slow", next), next); });
  CHECK(last(g).kind == tr::Kind::quorum);
  CHECK(last(g).arms.size() == 3);
  CHECK(last(g).agree == 2);
  REQUIRE(last(g).equality);
  int a = 3, b = 3, c = 4;
  CHECK(last(g).equality->equal(&a, &b));
  CHECK_FALSE(last(g).equality->equal(&a, &c));
}

TEST_CASE("hedge keeps its policy, and one call or two") {
  const auto one = graph<int>([](tr::Stream<int> x) {
    return tr::hedge("h", x, {"fixed", {{"delay_ms", 2}}}, tr::stage(next, {.replicable = true}));
  });
  CHECK(last(one).kind == tr::Kind::hedge);
  CHECK(last(one).arms.size() == 1);
  CHECK(last(one).policy == tr::PolicyUse{"fixed", {{"delay_ms", 2}}});
  const auto two = graph<int>([](tr::Stream<int> x) { return tr::hedge("h", x, {"adaptive"}, next, next); });
  CHECK(last(two).arms.size() == 2);
}

TEST_CASE("staged keeps how each Exit is taken apart") {
  using Step = tr::Exit<std::string, int>;
  const auto g = graph<int>([](tr::Stream<int> x) {
    return tr::staged("s", x, tr::named("look", [](int i) { return Step::go_on(i + 1); }),
                      [](int i) { return std::to_string(i); });
  });
  CHECK(last(g).kind == tr::Kind::staged);
  CHECK(equal(*last(g).type, tr::type_of<std::string>));
  REQUIRE(last(g).arms.size() == 2);
  CHECK(last(g).arms[0].name == "look");
  CHECK(last(g).arms[0].exit_ops == &tr::detail::exit_ops<tr::Exit<std::string, int>>);
  CHECK(last(g).arms[1].exit_ops == nullptr);
}

TEST_CASE("an Exit may be an answer by itself") {
  using Inner = tr::Exit<int, int>;
  using Step = tr::Exit<Inner, int>;
  const auto g = graph<int>([](tr::Stream<int> x) {
    return tr::staged(
        "s", x, [](int i) { return Step::go_on(i); }, [](int i) { return Inner::leave(i); });
  });
  CHECK(equal(*last(g).type, tr::type_of<Inner>));
}

TEST_CASE("choose has a selector of its input") {
  const auto g = graph<int>([](tr::Stream<int> x) { return tr::choose("w", x, tr::named("pick", pick), next, next); });
  CHECK(last(g).test.function == "pick");
  CHECK(equal(*last(g).test.takes, tr::type_of<int>));
  int value = 7;
  CHECK(last(g).test.run(last(g).test.context.get(), &value) == 0);
}

TEST_CASE("each takes a vector apart and gathers a vector, of Results where kept") {
  const auto all = graph<std::vector<int>>(
      [](tr::Stream<std::vector<int>> x) { return tr::each("e", x, [](int i) { return std::to_string(i); }); });
  CHECK(equal(*last(all).type, tr::type_of<std::vector<std::string>>));
  CHECK(equal(*last(all).each_in->element, tr::type_of<int>));
  CHECK_FALSE(last(all).each_out->keeps_errors);
  const auto kept =
      graph<std::vector<int>>([](tr::Stream<std::vector<int>> x) { return tr::each("e", x, next, tr::keep); });
  CHECK(equal(*last(kept).type, tr::type_of<std::vector<tr::Result<int>>>));
  CHECK(last(kept).each_out->keeps_errors);
}

TEST_CASE("each of bool and of values that cannot be made empty") {
  struct NoDefault {
    explicit NoDefault(int) {}
  };
  graph<std::vector<bool>>([](tr::Stream<std::vector<bool>> x) { return tr::each("e", x, [](bool b) { return !b; }); });
  const auto g = graph<std::vector<int>>(
      [](tr::Stream<std::vector<int>> x) { return tr::each("e", x, [](int i) { return NoDefault(i); }); });
  CHECK(equal(*last(g).type, tr::type_of<std::vector<NoDefault>>));
}

TEST_CASE("a join of streams of two flows is a problem that names both") {
  tr::Stream<int> leaked = tr::Stream<int>(tr::detail::Edge{});
  tr::flow<int>("first", [&](tr::Stream<int> x) { return leaked = x.then("made", next); });
  const auto g =
      tr::flow<int>("second", [&](tr::Stream<int> x) { return tr::join_with("sum", add, leaked, x); }).share();
  REQUIRE(g->problems.size() == 1);
  CHECK(g->problems.where() == "sum");
  CHECK_THAT(g->problems.what(), Catch::Contains("stream 1 is stage 'made' of flow 'first'"));
  CHECK_THAT(g->problems.what(), Catch::Contains("but this is flow 'second'"));
  CHECK_THAT(g->problems.what(), Catch::Contains("that flow is finished already"));
  CHECK(tr::verify(*g).size() == 1);  // nothing follows from it
}
