#include <optional>

#include "support/expect.h"
#include "support/steps.h"

// Waiting for room where nobody but the one who waits makes it, and where nobody may wait.
namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

// One thread asks and ticks: who waits runs what makes room, and no more than that.
void who_waits_runs_what_makes_room(const Setting& setting) {
  if (!setting.meanwhile) return;
  std::vector<int> order;
  int answers = 0;
  auto engine = setting.start(from_int([&](Stream<int> s) {
                                return s.then("a", [&](int x) { return order.push_back(x), x; }).then("b", same);
                              }),
                              {.max_in_flight = 2});
  const Request waits{.overload = Overload::wait};
  for (int i = 0; i < 6; ++i) {
    engine.submit(i, waits, [&, i](Outcome<int> o) { answers += o.value_or(-1) == i; }).value();
    check(answers == std::max(0, i - 1), "who waited for room ran more or less than what makes it");
  }
  check(order == count_up(4), "not the oldest one made room: " + show(order));
  expect(engine.run(6, waits), "6");
  auto kept = engine.submit(7, {.within = 1h, .overload = Overload::wait});
  expect(kept.get(), "7");
  check(eventually([&] { return answers == 6; }), "not everybody was answered");
}

// Room that never comes ends with the wait's own limit, and what is ready is run meanwhile.
void waiting_alone_ends(const Setting& setting) {
  if (!setting.meanwhile) return;
  int runs = 0;
  auto engine = setting.start(from_int([&](Stream<int> s) { return s.then("a", [&](int x) { return ++runs, x; }); }),
                              {.max_in_flight = 1});
  auto kept = engine.submit(1);
  expect(engine.run(2, {.within = 2ms, .overload = Overload::wait}), Code::deadline_missed);
  check(runs == 1 && kept.ready(), "what was ready was not run while somebody waited");
  expect(engine.submit(2, {.within = 2ms, .overload = Overload::wait}).get(), Code::deadline_missed);
  expect(kept.get(), "1");
  expect(engine.run(2, {.within = 1h, .overload = Overload::wait}), "2");
  std::optional<Handle<int>> dropped = engine.submit(3);
  dropped.reset();
  expect(engine.run(4, {.overload = Overload::wait}), "4");
  check(runs == 4, "a request that had no room was started, or one whose handle was dropped was not");
}

// A stage that ends the waiting of the one who runs it.
void waiting_alone_is_ended(const Setting& setting) {
  if (!setting.meanwhile) return;
  std::optional<Engine<int, int>> engine;
  std::stop_source source;
  std::optional<Handle<int>> held;
  engine.emplace(setting.start(from_int([&](Stream<int> s) {
                                 return s.then("ends", [&](int x) {
                                   return (x == 1 ? void(source.request_stop()) : engine->stop()), x;
                                 });
                               }),
                               {.max_in_flight = 1}));
  held = engine->submit(1);
  expect(engine->run(5, {.stop = source.get_token(), .overload = Overload::wait}), Code::cancelled);
  expect(held->get(), "1");
  held = engine->submit(2);
  expect(engine->run(5, {.overload = Overload::wait}), Code::shutting_down);
  expect(held->get(), Code::shutting_down);
  engine.reset();
}

// Whatever thread an on_release is called on: the caller's, a worker's, a timer's, or the one that stops a source.
void no_release_waits(const Setting& setting) {
  auto full = setting.start(from_int([](Stream<int> s) { return s.then("a", same); }), {.max_in_flight = 1});
  auto held = full.submit(1);
  check(eventually([&] { return held.ready(); }), "not answered");
  struct Tries {
    Engine<int, int>& full;
    std::atomic<int> rejected{0}, others{0};
    OnRelease one() {
      return [this] {
        const auto o = full.run(1, {.within = 2s, .overload = Overload::wait});
        ++(code_of(o) == Code::overloaded ? rejected : others);
      };
    }
  } tries{full};
  std::stop_source source;
  {
    auto engine = setting.start(from_int([](Stream<int> s) { return s.then("a", same); }));
    expect(engine.run(1, {.on_release = tries.one()}), "1");
    expect(engine.run(1, {.within = -1ms, .on_release = tries.one()}), Code::deadline_missed);
    expect(engine.submit(1, {.on_release = tries.one()}).get(), "1");
    auto h = engine.submit(1, {.stop = source.get_token(), .on_release = tries.one()});
    source.request_stop();
    (void)h.get();
    check(eventually([&] { return tries.rejected + tries.others == 4; }), "not released");
  }
  check(tries.others == 0, "an on_release waited for room");
  expect(held.get(), "1");
}

}  // namespace

void add_waiting_cases(std::vector<Case>& t) {
  t.push_back(script_case("who waits runs what makes room", {"wait-threadless"}, who_waits_runs_what_makes_room));
  t.push_back(script_case("waiting alone ends", {"wait-threadless", "wait-deadline"}, waiting_alone_ends));
  t.push_back(script_case("waiting alone is ended", {"wait-threadless", "wait-cancelled", "wait-stopped"},
                          waiting_alone_is_ended));
  t.push_back(script_case("no release waits for room", {"wait-inside"}, no_release_waits));
}

}  // namespace tailrace::test
