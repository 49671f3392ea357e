// Who may take a value apart, and refusals of flows in which a move-only value would have to be read twice.
#include "tailrace/plan/moves.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "tailrace/flow/combine.h"
#include "tailrace/flow/flow.h"
#include "tailrace/plan/verify.h"

namespace tr = tailrace;

namespace {

using Box = std::unique_ptr<int>;

int open(Box&& b) { return *b; }
int look(const Box& b) { return *b; }
Box pass(Box&& b) { return std::move(b); }
int both(int a, int b) { return a + b; }
int next(int x) { return x + 1; }
bool odd(int x) { return x % 2 != 0; }
std::size_t pick(const Box&) { return 0; }

const char* const cannot = "apart, which cannot be copied, but ";

template <class Build>
std::string refusal(Build build) {
  return tr::verify(tr::flow<Box>("f", build).graph()).what();
}

int index(const tr::Graph& g, const std::string& name) {
  for (std::size_t i = 0; i < g.nodes.size(); ++i)
    if (g.nodes[i].name == name) return static_cast<int>(i);
  FAIL("no node " + name);
  return 0;
}

auto fanned() {
  return tr::flow<int>("f",
                       [](tr::Stream<int> x) {
                         auto a = x.then("a", next);
                         auto b = a.then("b", next);
                         return tr::join_with("j", both, b.then("c", next), tr::join_with("twice", both, a, a));
                       })
      .share();
}

}  // namespace

TEST_CASE("only the only reader may take a value apart") {
  const auto g = fanned();
  CHECK(tr::may_take(*g, index(*g, "a"), true));
  CHECK_FALSE(tr::may_take(*g, index(*g, "a"), false));  // the flow's input, not movable here
  CHECK_FALSE(tr::may_take(*g, index(*g, "b"), true));
  CHECK(tr::may_take(*g, index(*g, "c"), false));
  CHECK_FALSE(tr::may_take(*g, index(*g, "twice"), true));
  CHECK(tr::may_take(*g, index(*g, "j"), true));
}

TEST_CASE("an arm's input is movable in choose, each and a cascade's last rung") {
  const auto g = tr::flow<Box>("f", [](tr::Stream<Box> x) {
                   auto w = tr::choose("w", x, pick, pass, pass);
                   auto c = tr::cascade("c", w, tr::exit_if([](const Box& b) { return *b; }, odd), open);
                   auto r = tr::race("r", c, next, next);
                   auto v = r.then("v", [](int n) { return std::vector<int>(static_cast<std::size_t>(n)); });
                   return tr::each("e", v, next);
                 }).share();
  CHECK(tr::verify(*g).what() == "");
  CHECK(tr::arm_input_movable(*g, index(*g, "w"), 0, true));
  CHECK(tr::arm_input_movable(*g, index(*g, "w"), 1, true));
  CHECK_FALSE(tr::arm_input_movable(*g, index(*g, "w"), 1, false));
  CHECK_FALSE(tr::arm_input_movable(*g, index(*g, "c"), 0, true));
  CHECK(tr::arm_input_movable(*g, index(*g, "c"), 1, true));
  CHECK_FALSE(tr::arm_input_movable(*g, index(*g, "r"), 0, true));
  CHECK(tr::arm_input_movable(*g, index(*g, "e"), 0, false));
}

TEST_CASE("the arms of a quorum share its input, and may still run when it has answered") {
  const auto g = tr::flow<int>("f", [](tr::Stream<int> x) { return tr::quorum("q", 1, x, next, next); }).share();
  CHECK_FALSE(tr::arm_input_movable(*g, g->output, 0, true));
  CHECK_FALSE(tr::arm_input_movable(*g, g->output, 1, true));
  CHECK(tr::may_leave_running(*g));
  CHECK_THAT(refusal([](tr::Stream<Box> x) { return tr::quorum("q", 1, x, look, open); }),
             Catch::StartsWith("q[1]: ") && Catch::Contains("all arms of quorum 'q' read it ('q[0]' and 'q[1]')"));
}

TEST_CASE("both calls of a hedge share its input, and one may still run when the other has answered") {
  const auto g = tr::flow<int>("f", [](tr::Stream<int> x) { return tr::hedge("h", x, {"idle"}, next, next); }).share();
  CHECK_FALSE(tr::arm_input_movable(*g, g->output, 0, true));
  CHECK(tr::may_leave_running(*g));
  const auto opens = tr::flow<Box>("opens", [](tr::Stream<Box> x) { return x.then("open", open); });
  CHECK_THAT(refusal([&](tr::Stream<Box> x) { return tr::hedge("h", x, {"idle"}, look, opens); }),
             Catch::StartsWith("h[1].open: ") && Catch::Contains("both calls of hedge 'h' read it"));
}

TEST_CASE("a staged hands its input to its first stage alone, and every carry to the next") {
  using Step = tr::Exit<int, Box>;
  const auto step = [](Box&& b) { return Step::go_on(std::move(b)); };
  const auto g = tr::flow<Box>("f", [&](tr::Stream<Box> x) { return tr::staged("s", x, step, step, open); }).share();
  CHECK(tr::verify(*g).what() == "");
  CHECK(tr::arm_input_movable(*g, g->output, 0, true));
  CHECK_FALSE(tr::arm_input_movable(*g, g->output, 0, false));
  CHECK(tr::arm_input_movable(*g, g->output, 1, false));
  CHECK(tr::arm_input_movable(*g, g->output, 2, false));
  CHECK_FALSE(tr::may_leave_running(*g));
  CHECK_THAT(refusal([&](tr::Stream<Box> x) {
               auto s = tr::staged("s", x, step, open);
               return tr::join_with("j", both, s, x.then("look", look));
             }),
             Catch::StartsWith("s[0]: ") && Catch::Contains("'s' and 'look' read it"));
}

TEST_CASE("find_moves says the same for every node and arm") {
  const auto g = fanned();
  for (bool movable : {false, true}) {
    const auto moves = tr::find_moves(*g, movable);
    for (std::size_t i = 0; i < g->nodes.size(); ++i)
      CHECK(moves.may_take[i] == tr::may_take(*g, static_cast<int>(i), movable));
  }
}

TEST_CASE("a cascade's last rung gets the input only when every earlier rung has let go of it") {
  const auto last_may = [](auto rung) {
    const auto g = tr::flow<int>("f", [&](tr::Stream<int> x) {
                     return tr::cascade("c", x, tr::exit_if(rung, odd), next);
                   }).share();
    return tr::arm_input_movable(*g, g->output, 1, true);
  };
  const auto flow = [](auto build) { return tr::flow<int>("rung", build); };
  CHECK(last_may(next));
  CHECK(last_may(flow([](tr::Stream<int> x) { return tr::choose("w", x, next, next, next); })));
  CHECK_FALSE(last_may(flow([](tr::Stream<int> x) { return tr::race("r", x, next, next); })));
  CHECK_FALSE(last_may(flow([](tr::Stream<int> x) { return tr::join_with("j", both, x, x.then("a", next)); })));
  CHECK_FALSE(last_may(flow([](tr::Stream<int> x) { return tr::cascade("c", x, tr::exit_if(next, odd), next); })));
  CHECK_FALSE(last_may(flow([](tr::Stream<int> x) {
    auto race = tr::flow<int>("race", [](tr::Stream<int> y) { return tr::race("r", y, next, next); });
    return tr::choose("w", x, next, race);
  })));
  CHECK_FALSE(last_may(flow([](tr::Stream<int> x) { return x; })));  // its answer is the input itself
}

TEST_CASE("flows in which every move-only value has one taker are sound") {
  CHECK(refusal([](tr::Stream<Box> x) { return x.then("pass", pass).then("open", open); }) == "");
  CHECK(refusal([](tr::Stream<Box> x) { return tr::join_with("j", both, x.then("a", look), x.then("b", look)); }) ==
        "");
  CHECK(refusal([](tr::Stream<Box> x) { return tr::race("r", x, look, look); }) == "");
  CHECK(refusal([](tr::Stream<Box> x) { return tr::cascade("c", x, tr::exit_if(look, odd), open); }) == "");
  const auto deep = tr::flow<Box>("deep", [](tr::Stream<Box> x) { return x.then("pass", pass).then("open", open); });
  CHECK(refusal([&](tr::Stream<Box> x) { return tr::choose("w", x, pick, open, deep); }) == "");
  CHECK(refusal([](tr::Stream<Box> x) {
          auto v = x.then("v", [](const Box&) { return std::vector<Box>(3); });
          return tr::each("e", v, open);
        }) == "");
}

TEST_CASE("two readers, one of which takes the value apart, are refused where that one stands") {
  const auto why = refusal([](tr::Stream<Box> x) {
    auto b = x.then("make", pass);
    return tr::join_with("j", both, b.then("open", open), b.then("look", look));
  });
  CHECK(why == "open: takes its input std::unique_ptr<int> " + std::string(cannot) +
                   "'open' and 'look' read it; let one stage alone read it, or take it as const std::unique_ptr<int>&");
}

TEST_CASE("each way in which somebody else holds the value has its own words") {
  CHECK_THAT(refusal([](tr::Stream<Box> x) {
               return tr::join_with(
                   "j", [](Box&&, Box&&) { return 1; }, x, x);
             }),
             Catch::StartsWith("j: takes its input") && Catch::Contains("'j' reads it twice"));
  CHECK_THAT(refusal([](tr::Stream<Box> x) { return tr::race("r", x, look, open); }),
             Catch::StartsWith("r[1]: ") && Catch::Contains("all arms of race 'r' read it ('r[0]' and 'r[1]')"));
  CHECK_THAT(
      refusal([](tr::Stream<Box> x) { return tr::cascade("c", x, tr::exit_if(open, odd), open); }),
      Catch::StartsWith("c[0]: ") && Catch::Contains("later rungs of cascade 'c' read it too ('c[0]' and 'c[1]')"));
  CHECK_THAT(refusal([](tr::Stream<Box> x) {
               auto w = tr::choose("w", x, pick, open, look);
               return tr::join_with("j", both, w, x.then("look", look));
             }),
             Catch::StartsWith("w[0]: ") && Catch::Contains("'w' and 'look' read it"));
  const auto racing = tr::flow<Box>("racing", [](tr::Stream<Box> x) { return tr::race("r", x, look, look); });
  CHECK_THAT(refusal([&](tr::Stream<Box> x) { return tr::cascade("c", x, tr::exit_if(racing, odd), open); }),
             Catch::StartsWith("c[1]: ") && Catch::Contains("an earlier rung of cascade 'c' may still be reading it"));
}

TEST_CASE("a nested arm is refused for what its parent's parent does") {
  const auto inner = tr::flow<Box>("inner", [](tr::Stream<Box> x) { return tr::choose("w", x, pick, open, look); });
  CHECK_THAT(refusal([&](tr::Stream<Box> x) { return tr::race("r", x, inner, look); }),
             Catch::StartsWith("r[0].w[0]: ") && Catch::Contains("all arms of race 'r' read it"));
}

TEST_CASE("an arm that gives its move-only input on needs it alone") {
  const auto same = tr::flow<Box>("same", [](tr::Stream<Box> x) { return x; });
  CHECK(refusal([&](tr::Stream<Box> x) { return tr::choose("w", x, pick, same, pass); }) == "");
  CHECK_THAT(refusal([&](tr::Stream<Box> x) { return tr::race("r", x, same, same); }),
             Catch::StartsWith("r[0]: gives its input std::unique_ptr<int> on, which cannot be copied"));
}

TEST_CASE("an each takes move-only elements out of a vector that it alone reads") {
  const auto why = refusal([](tr::Stream<Box> x) {
    auto v = x.then("v", [](const Box&) { return std::vector<Box>(3); });
    auto n = v.then("n", [](const std::vector<Box>& b) { return b.size(); });
    return tr::join("j", tr::each("e", v, open), n);
  });
  CHECK(why ==
        "e: takes the elements out of std::vector<std::unique_ptr<int>>, which cannot be copied, but 'e' and 'n' "
        "read it; let one stage alone read it");
}

TEST_CASE("many readers are not all listed") {
  const auto why = refusal([](tr::Stream<Box> x) {
    auto a =
        tr::join("a", x.then("1", look), x.then("2", look), x.then("3", look), x.then("4", look), x.then("5", open));
    return a;
  });
  CHECK_THAT(why, Catch::StartsWith("5: ") && Catch::Contains("'1', '2' and 3 more read it"));
}
