// Simulated service times: parks on the executor that hold workers, with draws that arms of a comparison share.
// checks: virtual-service, virtual-workers, virtual-draws, virtual-of-input
#include "tailrace/sim/service.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>
#include <thread>

#include "support/golden.h"
#include "support/steps.h"
#include "tailrace/sim/event_log.h"
#include "tailrace/sim/virtual_time.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;

namespace {

using Ends = std::vector<std::pair<int, std::int64_t>>;  // which request ended with a value, at how many microseconds

// Submits `n` requests at once, and says when each of them was answered; negative numbers mark errors.
template <class Build>
Ends ends(unsigned workers, int n, Build build, Request request = {}) {
  const auto time = sim::virtual_time({.workers = workers}).value();
  auto engine = start(from_int(build), {.executor = time}).value();
  Ends list;
  for (int i = 0; i < n; ++i) {
    request.id = static_cast<std::uint64_t>(i);
    const auto status = engine.submit(i, request, [&, i](const Outcome<int>& o) {
      list.emplace_back(o ? i : -1, time->now().time_since_epoch() / 1us);
    });
    REQUIRE(status);
  }
  time->run_until_idle();
  return list;
}

auto takes(Duration time, sim::ServiceOptions options = {}) { return sim::service<int>(sim::constant(time), options); }

}  // namespace

TEST_CASE("services: they take their time, and hold a worker") {
  const auto one = [](Stream<int> x) { return x.then("s", takes(1ms)); };
  CHECK(ends(1, 3, one) == Ends{{0, 1000}, {1, 2000}, {2, 3000}});
  CHECK(ends(2, 3, one) == Ends{{0, 1000}, {1, 1000}, {2, 2000}});
  const auto elsewhere = [](Stream<int> x) { return x.then("s", takes(1ms, {.holds_worker = false})); };
  CHECK(ends(1, 3, elsewhere) == Ends{{0, 1000}, {1, 1000}, {2, 1000}});
}

TEST_CASE("services: a worker goes on with the request that it has before it takes the next") {
  const auto two = [](Stream<int> x) { return x.then("a", takes(1ms)).then("b", takes(2ms)); };
  CHECK(ends(1, 2, two) == Ends{{0, 3000}, {1, 6000}});
}

TEST_CASE("services: tasks wait while all workers are held") {
  // The second request's quick stage waits, too, as it would for a thread.
  const auto f = [](Stream<int> x) {
    return choose(
        "c", x, [](int i) { return static_cast<std::size_t>(i); }, takes(5ms), same);
  };
  CHECK(ends(1, 2, f) == Ends{{0, 5000}, {1, 5000}});
  CHECK(ends(2, 2, f) == Ends{{1, 0}, {0, 5000}});
}

TEST_CASE("services: a limit is a queue of its own") {
  const auto f = [](Stream<int> x) { return x.then("s", stage(takes(1ms, {.holds_worker = false}), {.limit = 2})); };
  CHECK(ends(1, 4, f) == Ends{{0, 1000}, {1, 1000}, {2, 2000}, {3, 2000}});
}

TEST_CASE("services: deadlines are kept while a service runs") {
  const auto f = [](Stream<int> x) { return x.then("s", takes(5ms)); };
  // The first one keeps its worker to its end, because it never looks; the callbacks wait for it, too.
  CHECK(ends(1, 2, f, {.within = 2ms}) == Ends{{-1, 5000}, {-1, 5000}});
  const auto looks = [](Stream<int> x) { return x.then("s", takes(5ms, {.looks_every = 300us})); };
  CHECK(ends(1, 2, looks, {.within = 2ms}) == Ends{{-1, 2100}, {-1, 2100}});
}

TEST_CASE("services: a value or an error of the user's own") {
  const auto f = [](Stream<int> x) {
    return x.then("s", sim::service<int>(sim::constant(1ms), fail_if(1))).then("t", spell).then("l", length);
  };
  CHECK(ends(2, 2, f) == Ends{{0, 1000}, {-1, 1000}});
  const auto throws = [](Stream<int> x) { return x.then("s", sim::service<int>(sim::constant(1ms), bang)); };
  CHECK(ends(1, 1, throws) == Ends{{-1, 0}});
}

TEST_CASE("services: a distribution that makes no sense fails the request") {
  const auto time = sim::virtual_time().value();
  auto engine = start(from_int([](Stream<int> x) { return x.then("s", sim::service<int>(sim::gamma(-1, 1ms))); }),
                      {.executor = time})
                    .value();
  const auto o = engine.submit(1).get();
  REQUIRE_FALSE(o);
  CHECK(o.error().code() == Code::bad_value);
  CHECK(o.error().where() == "s");
  CHECK(o.error().what() == "a Gamma distribution has a shape above 0 and up to 1e9");
}

TEST_CASE("services: draws depend on seed, request, path and element, and on nothing else") {
  const auto drawn = [](const auto& build, std::uint64_t id) {
    const auto time = sim::virtual_time({.workers = 8}).value();
    auto engine = start(from_int(build), {.executor = time}).value();
    CHECK(engine.submit(1, {.id = id}).get());
    return time->now().time_since_epoch();
  };
  const auto random = [](std::uint64_t seed) { return sim::service<int>(sim::exponential(1ms), {.seed = seed}); };
  const auto s = [&](std::uint64_t seed) { return [&, seed](Stream<int> x) { return x.then("s", random(seed)); }; };
  CHECK(drawn(s(1), 7) == drawn(s(1), 7));
  CHECK(drawn(s(1), 7) != drawn(s(1), 8));
  CHECK(drawn(s(1), 7) != drawn(s(2), 7));
  CHECK(drawn([&](Stream<int> x) { return x.then("t", random(1)); }, 7) != drawn(s(1), 7));
  CHECK(drawn([&](Stream<int> x) { return x.then("before", same).then("s", random(1)).then("after", same); }, 7) ==
        drawn(s(1), 7));
  // Arms of one race draw for themselves: the first is sooner than either.
  const auto raced = drawn([&](Stream<int> x) { return race("r", x, random(1), random(1)); }, 7);
  const auto never_wins = valid_if([](int) { return false; });
  std::vector<Duration> arms;
  const auto time = sim::virtual_time({.workers = 2}).value();
  const auto note = [&](const int& x) { return arms.push_back(time->now().time_since_epoch()), x; };
  auto both = start(from_int([&](Stream<int> x) {
                      const auto arm =
                          flow<int>("a", [&](Stream<int> y) { return y.then("s", random(1)).then("n", note); });
                      return race("r", x, never_wins, arm, arm);
                    }),
                    {.executor = time})
                  .value();
  CHECK_FALSE(both.submit(1, {.id = 7}).get());
  REQUIRE(arms.size() == 2);
  CHECK(arms[0] != arms[1]);
  CHECK(raced > 0ns);
  // And so do elements.
  const auto all = [&](Stream<int> x) {
    return each("e", x.then("v", [](int) { return std::vector<int>(6, 1); }), random(1)).then("n", [](const auto& v) {
      return static_cast<int>(v.size());
    });
  };
  CHECK(drawn(all, 7) > drawn(s(1), 7) / 100);
  CHECK(drawn(all, 7) == drawn(all, 7));
}

TEST_CASE("services: the two calls of a hedge are told apart") {
  const auto seen = [](const auto& build) {
    std::vector<std::uint64_t> copies;
    std::vector<Completion<int>> out;
    const auto probe = stage(
        [&](const int&, Completion<int> done) {
          copies.push_back(done.about().copy);
          out.push_back(std::move(done));
        },
        {.replicable = true});
    const auto time = sim::virtual_time({.workers = 8}).value();
    auto engine = start(from_int([&](Stream<int> x) { return build(x, probe); }), {.executor = time}).value();
    const auto handle = engine.submit(1);
    time->run_until_idle();
    for (auto& done : out) done.complete(1);
    time->run_until_idle();
    std::sort(copies.begin(), copies.end());
    return copies;
  };
  using Copies = std::vector<std::uint64_t>;
  const auto twice = [](Stream<int> x, auto f) { return hedge("h", x, {"race_all"}, f); };
  CHECK(seen([](Stream<int> x, auto f) { return x.then("s", f); }) == Copies{0});
  CHECK(seen(twice) == Copies{0, 1});
  CHECK(seen([&](Stream<int> x, auto f) {
          return twice(x, flow<int>("i", [&](Stream<int> y) { return twice(y, f); }));
        }) == Copies{0, 1, 2, 3});
  // Elements know in which call they are.
  CHECK(seen([&](Stream<int> x, auto f) {
          return twice(x, flow<int>("i", [&](Stream<int> y) {
                         const auto two = stage([](int) { return std::vector<int>(2, 1); }, {.replicable = true});
                         const auto first = stage([](const std::vector<int>& v) { return v[0]; }, {.replicable = true});
                         return each("e", y.then("v", two), f).then("n", first);
                       }));
        }) == Copies{0, 0, 1, 1});
}

TEST_CASE("services: a copy draws for itself, and its call as it would alone") {
  const detail::ServiceTime time{sim::exponential(1ms), {.seed = 1}};
  const auto draw = [&](std::uint64_t copy) { return time.draw({.where = "s", .request = 7, .copy = copy}); };
  CHECK(draw(0) == draw(0));
  CHECK((draw(0) != draw(1) && draw(1) != draw(2) && draw(0) != draw(2)));
}

TEST_CASE("services: what belongs to the input is one draw for all calls and services") {
  const auto shares = [](double of_input) {
    const detail::ServiceTime time{sim::exponential(1ms), {.seed = 1, .of_input = of_input}};
    int same = 0;
    for (std::uint64_t request = 0; request < 1000; ++request)
      same += time.draw({.where = "s", .request = request}) == time.draw({.where = "t", .request = request, .copy = 1});
    return same;
  };
  CHECK(shares(0) == 0);
  CHECK(shares(.3) == Approx(300).margin(50));
  CHECK(shares(1) == 1000);
  CHECK(ends(1, 1, [](Stream<int> x) { return x.then("s", takes(1ms, {.of_input = 1.5})); }) == Ends{{-1, 0}});
}

TEST_CASE("services: live they sleep") {
  auto engine =
      start(from_int([](Stream<int> x) {
              return x.then("s", takes(3ms)).then("t", takes(2ms, {.holds_worker = false})).then("p", plus_one);
            }),
            {.threads = 1})
          .value();
  const auto before = Clock::now();
  CHECK(engine.submit(1).get().value() == 2);
  CHECK(Clock::now() - before >= 5ms);
}

TEST_CASE("services: who is at it") {
  const auto time = sim::virtual_time({.workers = 2}).value();
  auto engine =
      start(from_int([](Stream<int> x) { return x.then("s", stage(takes(1ms), {.limit = 1})); }), {.executor = time})
          .value();
  std::vector<Handle<int>> handles;
  for (int i = 0; i < 3; ++i) handles.push_back(engine.submit(i));
  time->run_for(500us);
  const auto now = time->occupancy();
  CHECK((now.held == 1 && now.waiting == 0));
  REQUIRE(now.stages.size() == 1);
  CHECK((now.stages[0].where == "s" && now.stages[0].running == 1 && now.stages[0].calls == 1));
  const auto queues = engine.queues();
  REQUIRE(queues.size() == 1);
  CHECK((queues[0].where == "s" && queues[0].limit == 1 && queues[0].waiting->load() == 2));
  for (auto& h : handles) CHECK(h.get());
  CHECK(time->occupancy().stages[0].calls == 3);
}

TEST_CASE("services: the event log of parks and deadlines is the same with every compiler") {
  const auto run = [] {
    const auto time = sim::virtual_time({.workers = 4}).value();
    const auto log = std::make_shared<sim::EventLog>(time);
    const auto drawn = [](std::uint64_t seed) {
      return sim::service<int>(sim::gamma(3, 1ms), plus_one, {.seed = seed, .looks_every = 500us});
    };
    auto engine = start(from_int([&](Stream<int> x) {
                          const auto first = race("r", x, drawn(1), drawn(2));
                          const auto once = first.then("s", stage(drawn(3), {.serial = true}));
                          return cascade("k", once, exit_if(same, [](int i) { return i % 2 == 0; }), drawn(4));
                        }),
                        {.executor = time, .observer = log})
                      .value();
    std::vector<Handle<int>> handles;
    for (int i = 0; i < 8; ++i)
      time->call_after(i * 2ms, [&, i] {
        handles.push_back(engine.submit(i, {.within = i % 4 == 1 ? 5ms : 1s, .id = static_cast<std::uint64_t>(i)}));
      });
    time->run_until_idle();
    for (auto& h : handles) log->note(show(h.get()));
    return log->text();
  };
  const std::string text = run();
  CHECK(text == run());
  CHECK(text == golden("services", text));
}
