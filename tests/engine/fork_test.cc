// Joins whose branches run at the same time: the same answers and errors as one after another, sooner.
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "tailrace/exec/pool.h"
#include "tailrace/plan/branches.h"
#include "tailrace/tailrace.h"

namespace tr = tailrace;
using namespace std::chrono_literals;

namespace {

void fork_every_join(tr::GraphChoices& choices, const tr::Graph& graph) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    choices.fork[i] = graph.nodes[i].kind == tr::Kind::join;
    for (std::size_t a = 0; a < graph.nodes[i].arms.size(); ++a)
      fork_every_join(choices.arms[i][a], *graph.nodes[i].arms[a].graph);
  }
}

template <class In, class Out>
tr::Plan<In, Out> forked(const tr::Flow<In, Out>& flow) {
  tr::PlanData plan = tr::optimise(flow).value().data();
  fork_every_join(plan.choices.root, *plan.graph);
  return tr::Plan<In, Out>(std::move(plan));
}

tr::EngineOptions on_pool(unsigned threads, std::uint32_t max_losers = 64) {
  return {.max_losers = max_losers, .executor = tr::pool_executor(threads).value()};
}

int plus_one(const int& x) { return x + 1; }
std::string in_words(int x) { return std::string(40, 'a') + std::to_string(x); }
int at_most_six(int x) { return x > 6 ? throw std::runtime_error("too much") : x; }

// Shared work before the fork, a join inside a branch, a race inside a branch, values that several branches read.
tr::Flow<int, std::string> diamond() {
  return tr::flow<int>("diamond", [](tr::Stream<int> in) {
    auto shared = in.then("shared", [](int x) { return 2 * x; });
    auto left = shared.then("left", plus_one).then("words", in_words);
    auto checked = shared.then("up", plus_one).then("checked", at_most_six);
    auto inner = tr::join_with(
        "inner", [](int a, int b) { return a * b; }, checked, shared.then("down", plus_one));
    auto raced = tr::race("raced", inner, plus_one, plus_one);
    return tr::join_with(
        "outer", [](std::string a, int b, int c) { return a + std::to_string(b + c); }, left, raced, shared);
  });
}

}  // namespace

TEST_CASE("branches: what several branches need runs before the fork", "[fork]") {
  const auto plan = forked(diamond());
  const tr::Graph& g = *plan.data().graph;
  const auto home = tr::detail::find_branches(g, plan.data().choices.root);
  const auto of = [&](const std::string& name) {
    for (std::size_t i = 0; i < g.nodes.size(); ++i)
      if (g.nodes[i].name == name) return home[i];
    throw std::runtime_error("no node " + name);
  };
  CHECK(of("shared").join == 0);
  CHECK(of("outer").join == 0);
  CHECK(of("left") == of("words"));
  CHECK(of("left").join == g.output);
  CHECK(of("inner") == of("raced"));
  CHECK(g.at(of("checked").join).name == "inner");
  CHECK(of("checked") == of("up"));
  CHECK_FALSE(of("down") == of("checked"));
}

TEST_CASE("fork: answers and errors are those of the plan without", "[fork]") {
  for (const std::uint32_t losers : {64u, 0u}) {  // without a spare frame branches run one after another
    auto plain = tr::start(diamond(), on_pool(1)).value();
    auto both = tr::start(forked(diamond()), on_pool(3, losers)).value();
    for (int i = 0; i < 200; ++i) {
      const auto want = plain.run(i % 4), got = both.run(i % 4), timed = both.run(i % 4, {.within = 10s});
      const auto elsewhere = both.submit(i % 4).get();
      for (const auto* o : {&got, &timed, &elsewhere}) {
        REQUIRE(o->has_value() == want.has_value());
        if (want) REQUIRE(**o == *want);
        else REQUIRE((o->error().where() == "checked" && o->error().what() == want.error().what()));
      }
    }
  }
}

TEST_CASE("fork: branches run at the same time", "[fork]") {
  std::atomic<int> inside{0}, most{0};
  const auto busy = [&](const int& x) {
    const int now = ++inside;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    std::this_thread::sleep_for(20ms);
    --inside;
    return x;
  };
  const auto flow = tr::flow<int>("two", [&](tr::Stream<int> in) {
    return tr::join_with(
        "sum", [](int a, int b) { return a + b; }, in.then("a", busy), in.then("b", busy));
  });
  auto engine = tr::start(forked(flow), on_pool(2)).value();
  CHECK(*engine.run(1) == 2);
  CHECK(most == 2);
}

TEST_CASE("fork: the first failure answers the request and stops the sibling", "[fork]") {
  std::atomic<bool> started{false}, stopped{false}, release{false};
  const auto patient = [&](const int& x, const tr::Context& ctx) {
    started = true;
    while (!ctx.stop_requested() && !release) std::this_thread::sleep_for(1ms);
    stopped = ctx.stop_requested();
    return x;
  };
  const auto fails = [&](const int&) -> int {
    while (!started) std::this_thread::sleep_for(1ms);
    throw std::runtime_error("no");
  };
  const auto flow = tr::flow<int>("two", [&](tr::Stream<int> in) {
    return tr::join_with(
        "sum", [](int a, int b) { return a + b; }, in.then("slow", patient), in.then("fails", fails));
  });
  {
    auto engine = tr::start(forked(flow), on_pool(2)).value();
    const auto outcome = engine.submit(1).get();
    CHECK(outcome.error().where() == "fails");
  }
  release = true;
  CHECK(stopped);
}
