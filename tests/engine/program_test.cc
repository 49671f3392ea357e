// What a plan is compiled to.
#include "engine/program.h"

#include <catch2/catch.hpp>

#include "engine/runtime.h"
#include "support/steps.h"
#include "tailrace/exec/pool.h"

using namespace tailrace;
using namespace tailrace::test;

namespace {

detail::Stations stations;

EngineFigures figures(const auto& flow, bool fused = true) {
  Setting setting;
  setting.executor = pool_executor(1).value();
  setting.rewrites = fused;
  return setting.start(flow, {.max_in_flight = 2, .max_losers = 1}).figures();
}

template <class F>
auto chain(int stages, F f) {
  return from_int([&](Stream<int> s) {
    auto t = s.then("first", f);
    for (int i = 1; i < stages; ++i) t = t.then("s" + std::to_string(i), [f](const auto&) { return f(1); });
    return t;
  });
}

}  // namespace

TEST_CASE("program: what is fused is one block, what is not is one block per stage") {
  CHECK(figures(chain(20, plus_one)).blocks == 1);
  CHECK(figures(chain(20, plus_one), false).blocks == 20);
  CHECK(figures(chain(20, plus_one)).instructions == 20);
  const auto diamond = from_int([](Stream<int> s) { return join("j", s.then("a", plus_one), s.then("b", twice)); });
  CHECK(figures(diamond).blocks == 1);
  CHECK(figures(diamond, false).blocks == 3);
}

TEST_CASE("program: slots of dead values are used again") {
  CHECK(figures(chain(100, plus_one)).frame_bytes == figures(chain(4, plus_one)).frame_bytes);
  CHECK(figures(chain(100, spell)).frame_bytes == figures(chain(4, spell)).frame_bytes);
  CHECK(figures(chain(100, spell)).instructions > 100);  // values are destroyed on the way
  CHECK(figures(chain(4, plus_one)).frame_bytes <= 896);
}

TEST_CASE("program: values that somebody may still read keep their slots") {
  const auto all = from_int([](Stream<int> s) {
    const auto a = s.then("a", spell), b = a.then("b", [](const std::string&x) { return x + "b"; });
    const auto r = race(
        "r", b, [](const std::string& x) { return x; }, [](const std::string& x) { return x; });
    return join("j", r, a, b).then("n", [](const auto& t) {
      return length(std::get<0>(t)) + length(std::get<1>(t)) + length(std::get<2>(t));
    });
  });
  Setting setting;
  setting.executor = pool_executor(2).value();
  auto engine = setting.start(all);
  for (int i = 0; i < 200; ++i) CHECK(engine.run(1).value() == 42 + 41 + 42);
}

TEST_CASE("program: stages have the paths of their combinators") {
  const auto f = from_int([](Stream<int> s) {
    const auto inner = flow<int>("inner", [](Stream<int> x) { return race("r", x.then("up", plus_one), same, twice); });
    return cascade("k", s, exit_if(inner, always), same);
  });
  const auto program = detail::compile(f.graph(), default_choices(f.graph()), stations);
  CHECK(program->names == std::vector<std::string>{"k[0].up", "k[0].r[0]", "k[0].r[1]", "k[1]"});
  CHECK(program->regions.size() == 5);
  CHECK(program->controls.size() == 2);
  CHECK(program->anytime == &program->controls.front());
}

TEST_CASE("program: only a cascade that gives the flow's answer can answer a deadline") {
  const auto middle =
      from_int([](Stream<int> s) { return cascade("k", s, exit_if(same, always), same).then("z", same); });
  CHECK(detail::compile(middle.graph(), default_choices(middle.graph()), stations)->anytime == nullptr);
  const auto of = [](auto first) { return from_int([&](Stream<int> s) { return staged("n", s, first, same); }); };
  const auto sure = of([](int x) { return Exit<int, int>::go_on(x); });
  const auto guesses = of([](int x) { return AnytimeExit<int, int>::go_on(x, x); });
  CHECK(detail::compile(sure.graph(), default_choices(sure.graph()), stations)->anytime == nullptr);
  CHECK(detail::compile(guesses.graph(), default_choices(guesses.graph()), stations)->anytime != nullptr);
}

TEST_CASE("program: where nobody is refused for time, there is no place for it") {
  const auto f = flow<int>("f", [](Stream<int> s) {
    const auto one = stage([](int x) { return x; }, {.serial = true});
    return s.then("a", one).then("b", one);
  });
  const auto sheds = detail::compile(f.graph(), default_choices(f.graph()), stations);
  const auto keeps = detail::compile(f.graph(), default_choices(f.graph()), stations, {.sheds = false});
  CHECK(sheds->sites.size() == 2);
  CHECK(sheds->doors.size() == 2);
  CHECK(keeps->sites.empty());
  CHECK(keeps->doors.empty());
  CHECK_FALSE(keeps->entry_site);
  CHECK(keeps->state_bytes < sheds->state_bytes);
}
