// Flows: composition, and mistakes that only show when they are written.
#include "tailrace/flow/flow.h"

#include <catch2/catch.hpp>
#include <string>

#include "tailrace/flow/combine.h"
#include "tailrace/plan/verify.h"

namespace tr = tailrace;

namespace {

int next(int x) { return x + 1; }
int add(int a, int b) { return a + b; }
bool odd(int x) { return x % 2 != 0; }

std::string names(const tr::Graph& g) {
  std::string text;
  for (const auto& n : g.nodes) text += n.name + " ";
  return text;
}

auto identity() {
  return tr::flow<int>("identity", [](tr::Stream<int> x) { return x; });
}

}  // namespace

TEST_CASE("a flow knows its types at both ends") {
  const auto f =
      tr::flow<int>("f", [](tr::Stream<int> x) { return x.then("text", [](int i) { return std::to_string(i); }); });
  STATIC_REQUIRE(std::is_same_v<decltype(f), const tr::Flow<int, std::string>>);
  CHECK(equal(f.graph().input_type(), tr::type_of<int>));
  CHECK(equal(f.graph().output_type(), tr::type_of<std::string>));
}

TEST_CASE("a flow may be its input") {
  CHECK(identity().graph().nodes.size() == 1);
  CHECK(tr::verify(identity().graph()).empty());
}

TEST_CASE("a flow as a stage brings its stages under the stage's name; functions keep theirs") {
  const auto inner = tr::flow<int>(
      "inner", [](tr::Stream<int> x) { return tr::join_with("sum", add, x.then("a", next), x.then("b", next)); });
  const auto g = tr::flow<int>("outer", [&](tr::Stream<int> x) {
                   return x.then("first", inner).then("second", inner).then("nothing", identity()).then("last", next);
                 }).share();
  CHECK(tr::verify(*g).what() == "");
  CHECK(names(*g) == "input first.a first.b first.sum second.a second.b second.sum last ");
  CHECK(g->nodes[4].stage.function == "a");
  CHECK(g->at(4).inputs == std::vector<int>{3});
}

TEST_CASE("construction order does not show") {
  const auto build = [](bool swap) {
    return tr::flow<int>("f",
                         [&](tr::Stream<int> x) {
                           if (swap) {
                             auto b = x.then("b", next);
                             auto a = x.then("a", next);
                             return tr::join_with("sum", add, a, b);
                           }
                           auto a = x.then("a", next);
                           return tr::join_with("sum", add, a, x.then("b", next));
                         })
        .share();
  };
  CHECK(tr::difference(*build(true), *build(false)) == "");
}

TEST_CASE("problems of a flow come along with it") {
  const auto broken = tr::flow<int>("broken", [](tr::Stream<int> x) {
    x.then("forgotten", next);
    return x.then("a", next);
  });
  const auto as_stage = tr::flow<int>("f", [&](tr::Stream<int> x) { return x.then("sub", broken); }).share();
  REQUIRE(tr::verify(*as_stage).size() == 1);
  CHECK(tr::verify(*as_stage).where() == "sub.forgotten");
  const auto as_arm = tr::flow<int>("f", [&](tr::Stream<int> x) { return tr::race("r", x, next, broken); }).share();
  REQUIRE(tr::verify(*as_arm).size() == 1);
  CHECK(tr::verify(*as_arm).where() == "r[1].forgotten");
}

TEST_CASE("a stream captured from outside into an arm is a problem that says what to do") {
  const auto g = tr::flow<int>("outer", [](tr::Stream<int> x) {
                   auto made = x.then("made", next);
                   auto arm = tr::flow<int>("arm", [&](tr::Stream<int>) { return made.then("inside", next); });
                   return tr::race("r", made, next, arm);
                 }).share();
  const auto problems = tr::verify(*g);
  INFO(problems.what());
  REQUIRE(problems.size() == 1);
  CHECK(problems.where() == "r[1]");
  CHECK_THAT(problems.what(), Catch::Contains("its output is stage 'inside' of flow 'outer', but this is flow 'arm'"));
  CHECK_THAT(problems.what(), Catch::Contains("give it the value through its own input"));
}

TEST_CASE("a captured input is named as one") {
  const auto g = tr::flow<int>("outer", [](tr::Stream<int> x) {
                   auto arm = tr::flow<int>("arm", [&](tr::Stream<int> y) { return tr::join_with("sum", add, y, x); });
                   return tr::race("r", x, next, arm);
                 }).share();
  const auto problems = tr::verify(*g);
  REQUIRE(problems.size() == 1);
  CHECK(problems.where() == "r[1].sum");
  CHECK_THAT(problems.what(), Catch::Contains("stream 2 is the input of flow 'outer'"));
}

TEST_CASE("a stream used after its flow was finished is a problem of the flow that uses it") {
  tr::Stream<int> leaked = tr::Stream<int>(tr::detail::Edge{});
  const auto first = tr::flow<int>("first", [&](tr::Stream<int> x) { return leaked = x.then("made", next); });
  const auto second = tr::flow<int>("second", [&](tr::Stream<int>) { return leaked.then("more", next); });
  CHECK(tr::verify(first.graph()).empty());
  CHECK(first.graph().nodes.size() == 2);  // a finished flow does not change
  const auto problems = tr::verify(second.graph());
  REQUIRE(problems.size() == 1);
  CHECK(problems.where() == "second");
  CHECK_THAT(problems.what(), Catch::Contains("stage 'more' of flow 'first'"));
  CHECK_THAT(problems.what(), Catch::Contains("that flow is finished already"));
}

TEST_CASE("all mistakes of a flow come at once") {
  const auto g = tr::flow<int>("outer", [](tr::Stream<int> x) {
                   x.then("forgotten", next);                                            // 1: nobody reads it
                   auto a = x.then("a", next).then("a", next);                           // 2: a name given twice
                   auto b = a.then("", next);                                            // 3: no name
                   auto arm = tr::flow<int>("arm", [&](tr::Stream<int>) { return b; });  // 4: a captured stream
                   auto r = tr::race("r", b, arm, tr::exit_if(next, odd));               // 5: a race that exits
                   return r.then("input", next);                                         // 6: the input's name
                 }).share();
  const auto problems = tr::verify(*g);
  const std::string all = problems.what();
  INFO(all);
  CHECK(problems.size() == 6);
  CHECK_THAT(all, Catch::Contains("forgotten: unused stream"));
  CHECK_THAT(all, Catch::Contains("a: two stages have the name 'a'"));
  CHECK_THAT(all, Catch::Contains("has no name"));
  CHECK_THAT(all, Catch::Contains("r[0]: its output is stage '' of flow 'outer'"));
  CHECK_THAT(all, Catch::Contains("r[1]: an arm of a race has no exit test"));
  CHECK_THAT(all, Catch::Contains("input: 'input' is the name of the flow's own input"));
}
