// measure: which stages are measured, on which values, and what becomes of those that fail. Times themselves are only
// compared where they differ by orders of magnitude.
// checks: measure-arms, measure-fails
#include "tailrace/exec/measure.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "opt/flows.h"
#include "tailrace/exec/pool.h"

namespace tr = tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

tr::MeasureOptions quickly() { return {.rounds = 3, .warm_up = 1, .budget = 200ms}; }

template <class In, class Out>
tr::Profile measured(const tr::Flow<In, Out>& flow, const std::vector<In>& samples,
                     tr::MeasureOptions options = quickly()) {
  return tr::measure(flow, samples, options).value();
}
std::string paths(const tr::Profile& p) {
  std::string text;
  for (const auto& c : p.costs)
    text += (c.where.empty() ? "-" : c.where) + (c.variant.empty() ? "" : ":" + c.variant) + " ";
  return text;
}
void spin(std::chrono::microseconds time) {
  for (const auto end = tr::Clock::now() + time; tr::Clock::now() < end;) {
  }
}
int slow(int x) { return spin(300us), x + 1; }
int fails_on_two(int x) { return x == 2 ? throw std::runtime_error("not two") : x; }
int negate(int x) { return -x; }
bool never(int) { return false; }
bool above_one(int x) { return x > 1; }

}  // namespace

TEST_CASE("every stage, combinator and arm has a cost, at its path") {
  const auto p = measured(lines(), {1, 2, 3});
  CHECK(p.flow == "lines");
  CHECK(paths(p) == "- a b e f label label[0] label[1] label[1].c label[1].d ");
  for (const auto& c : p.costs) {
    INFO(c.where);
    CHECK(c.time.calls == 9);  // three samples in three rounds
    CHECK(c.failures == 0);
    CHECK(c.time.min <= c.time.p50);
    CHECK(c.time.p50 <= c.time.p90);
    CHECK(c.time.p99 < 1);
  }
  CHECK(tr::write_profile(p));
}

TEST_CASE("it says where it was measured, and what waking a thread and ending a block cost") {
  auto options = quickly();
  options.executor = tr::pool_executor(3).value();
  const auto p = measured(lines(), {1}, options);
  CHECK(p.measured.threads == 3);
  CHECK(p.measured.date.size() == 10);
  CHECK_FALSE(p.measured.machine.empty());
  CHECK_FALSE(p.measured.compiler.empty());
  CHECK(p.wake.known());
  CHECK(p.wake.p50 > 0);
  CHECK(p.wake.p50 < 1);
  CHECK(p.hand_over.known());
  CHECK(p.hand_over.p50 < 1e-4);
}

TEST_CASE("a slow stage is seen, also inside, and what nobody would take is measured too") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) {
    return tr::cascade("c", x.then("quick", next), tr::exit_if(next, [](int) { return true; }), slow).then("e", next);
  });
  const auto p = measured(f, {1});
  CHECK(p.find("c[1]")->time.min >= 290e-6);
  CHECK(p.find("c[1]")->share == 0);
  CHECK(p.find("c[0]")->share == 1);
  CHECK(p.find("c")->time.p50 < 200e-6);
  CHECK(p.find("quick")->time.p50 < 20e-6);
  CHECK(p.find("")->time.p50 < 200e-6);
}

TEST_CASE("arms get the values that reach them") {
  std::set<int> seen;
  const auto note = [&](const int& x) { return seen.insert(x), x; };
  const auto f = tr::flow<int>("f", [&](tr::Stream<int> x) {
    return tr::choose(
        "which", x.then("a", next), [](int v) { return static_cast<std::size_t>(v % 2); }, note, slow);
  });
  const auto p = measured(f, {1, 3, 4});
  CHECK(seen == std::set<int>{2, 4, 5});
  CHECK(p.find("which[0]")->share == Approx(2. / 3));
  CHECK(p.find("which[1]")->share == Approx(1. / 3));
  CHECK(p.find("which")->time.calls == 9);
}

TEST_CASE("a race takes as long as its first valid arm, and gives that one's answer") {
  std::atomic<int> last{0};
  const auto f = tr::flow<int>("f", [&](tr::Stream<int> x) {
    return tr::race("r", x, tr::valid_if(above_one), negate, slow).then("e", [&](const int& v) { return last = v, v; });
  });
  const auto p = measured(f, {5});
  CHECK(last == 6);
  CHECK(p.find("r")->time.min >= 290e-6);
  CHECK(p.find("r[0]")->time.p50 < 100e-6);
}

TEST_CASE("the elements of an each are measured one by one, and keep tells their failures") {
  const auto element = tr::flow<int>("element", [](tr::Stream<int> x) { return x.then("n", next).then("m", next); });
  const auto f = tr::flow<std::vector<int>>("f", [&](tr::Stream<std::vector<int>> x) {
    return tr::each("e", x, element).then("size", [](const std::vector<int>& v) { return v.size(); });
  });
  const auto p = measured(f, {{1, 2, 3}, {4}, {}});
  CHECK(paths(p) == "- e e[0] e[0].m e[0].n size ");
  CHECK(p.find("e[0].n")->time.calls == 12);
  CHECK(p.find("e[0]")->share == Approx(4. / 3));
  CHECK(p.find("e")->bytes == Approx(sizeof(std::vector<int>) + sizeof(int) * 4. / 3));

  const auto kept = tr::flow<std::vector<int>>(
      "f", [&](tr::Stream<std::vector<int>> x) { return tr::each("e", x, fails_on_two, tr::keep); });
  const auto q = measured(kept, {{1, 2, 3}});
  CHECK(q.find("e")->time.calls == 3);
  CHECK(q.find("e[0]")->failures == 3);
}

TEST_CASE("a stage that fails is reported, and only what needs its value is left out") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) {
    auto a = x.then("a", fails_on_two), b = x.then("b", next);
    return tr::join_with("sum", add, a, b).then("returned", [](const int& v) -> tr::Result<int> {
      if (v == 3) return tr::Error(tr::Code::bad_value, "not three");
      return v;
    });
  });
  const auto p = measured(f, {1, 2, 3});
  CHECK(p.find("a")->failures == 3);
  CHECK(p.find("a")->error == "not two");
  CHECK(p.find("a")->time.calls == 6);
  CHECK(p.find("b")->time.calls == 9);
  CHECK(p.find("sum")->time.calls == 6);
  CHECK(p.find("returned")->error == "not three");
  CHECK(p.find("")->time.calls == 3);
  CHECK(p.find("")->failures == 6);
}

TEST_CASE("a flow of which nothing works has failures and no times") {
  const auto p =
      measured(tr::flow<int>("f", [](tr::Stream<int> x) { return x.then("a", fails_on_two).then("b", next); }), {2});
  CHECK(paths(p) == "- a ");
  CHECK_FALSE(p.find("a")->time.known());
  CHECK(tr::write_profile(p));
}

TEST_CASE("tests, selectors and all arms that fail are told at their combinator") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) {
    auto c = tr::cascade("c", x, tr::exit_if(next, [](int) -> bool { throw std::runtime_error("exit"); }), next);
    auto r = tr::race("r", x, fails_on_two);
    auto w = tr::choose(
        "w", x, [](int) -> std::size_t { return 7; }, next);
    return tr::join("j", c, r, w);
  });
  const auto p = measured(f, {2});
  CHECK(p.find("c")->error == "exit");
  CHECK(p.find("c")->time.calls == 3);  // its last rung answered
  CHECK(p.find("r")->error == "no arm gave a valid answer");
  CHECK(p.find("w")->error == "selected an arm that is not there");
  CHECK(p.find("j") == nullptr);
}

TEST_CASE("every variant of a model is measured, at each place that asks for it") {
  tr::Registry models;
  models.add("digit", make_variant("tiny", 0.93));
  models.add("digit", make_variant("large", 0.985));
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) {
    return tr::cascade("label", x, tr::exit_if(tr::model<int, int>("digit"), never),
                       tr::model<int, int>("digit", {.accuracy = 0.98}));
  });
  auto options = quickly();
  options.models = models;
  CHECK(paths(measured(f, {1}, options)) == "- label label[0]:large label[0]:tiny label[1]:large label[1]:tiny ");
  CHECK_THAT(tr::measure(f, std::vector<int>{1}).error().what(), Catch::Contains("there is no model 'digit'"));
}

TEST_CASE("values that can only be moved, and those that must be destroyed, are measured without loss") {
  const auto count = std::make_shared<int>(7);
  using Only = std::unique_ptr<std::shared_ptr<int>>;
  const auto f = tr::flow<int>("f", [&](tr::Stream<int> x) {
    auto only = x.then("make", [count](const int&) { return std::make_unique<std::shared_ptr<int>>(count); });
    auto chosen = tr::choose(
        "w", only, [](const Only& o) { return static_cast<std::size_t>(**o == 7 ? 1 : 0); },
        [](Only&&) { return std::string("first"); }, [](Only&&) { return std::string(100, 'x'); });
    return chosen.then("length", [](std::string&& s) { return s.size(); });
  });
  const auto before = count.use_count();
  const auto p = measured(f, {1, 2});
  CHECK(count.use_count() == before);
  CHECK(p.find("w[0]") == nullptr);
  CHECK(p.find("w[1]")->time.calls == 6);
  CHECK(p.find("length")->failures == 0);
}

TEST_CASE("flows that give their input on, at the top and in arms") {
  const auto same = tr::flow<std::string>("same", [](tr::Stream<std::string> x) { return x; });
  CHECK(paths(measured(same, {"a"})) == "- ");
  const auto f = tr::flow<std::string>("f", [&](tr::Stream<std::string> x) {
    return tr::race("r", x, same).then("e", [](std::string&& s) { return s.size(); });
  });
  CHECK(paths(measured(f, {std::string(50, 'a')})) == "- e r r[0] ");
}

TEST_CASE("a tensor's bytes are counted") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) {
    return x.then("t", [](const int&) { return tr::Tensor::zeros(tr::DType::float32, {10, 10}); });
  });
  CHECK(measured(f, {1}).find("t")->bytes == 400 + sizeof(tr::Tensor));
}

TEST_CASE("the time is kept, but every stage is run at least once") {
  const auto f = tr::flow<int>("f", [](tr::Stream<int> x) { return x.then("a", slow); });
  const std::vector<int> many(20000, 1);  // 6 s a round
  const auto begin = tr::Clock::now();
  const auto p = measured(f, many, {.rounds = 1000, .budget = 100ms});
  CHECK(tr::Clock::now() - begin < 5s);
  CHECK(p.find("a")->time.calls >= 1);
  CHECK(measured(f, many, {.budget = 0ms}).find("a")->time.calls == 1);
}

TEST_CASE("progress is told") {
  std::vector<double> told;
  auto options = quickly();
  options.progress = [&](double done) { told.push_back(done); };
  measured(lines(), {1, 2}, options);
  REQUIRE_FALSE(told.empty());
  CHECK(std::is_sorted(told.begin(), told.end()));
  CHECK(told.back() == 1);
  options.progress = [](double) { throw std::runtime_error("enough"); };
  CHECK_THROWS_WITH(measured(lines(), {1, 2}, options), "enough");
}

TEST_CASE("mistakes in what is asked come at once") {
  CHECK(tr::measure(lines(), {}, {.rounds = 0}).error().what() ==
        "samples: needs at least one sample, got none\nrounds: needs at least one round, got 0");
  const auto broken = tr::flow<int>("f", [](tr::Stream<int> x) { return x.then("a", next).then("a", next); });
  CHECK_THAT(tr::measure(broken, std::vector<int>{1}).error().what(), Catch::Contains("two stages have the name 'a'"));
}
