#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "support/elsewhere.h"
#include "support/expect.h"
#include "support/line.h"
#include "support/pause.h"
#include "support/steps.h"

// What becomes of requests that would miss their deadline, and of streams of which only the latest counts.
namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

// A serial stage that takes a while of the setting's clock, and whose call with a 0 stays out until it is opened.
class Slow {
 public:
  static constexpr auto takes = 1ms;

  explicit Slow(const Setting& setting) : setting_(setting) {}
  ~Slow() { open(); }
  auto stage() {
    return tailrace::stage(
        [this](const int& x, Completion<int> done) {
          auto kept = std::make_shared<Completion<int>>(std::move(done));
          if (x != 0) return after(setting_, takes, [kept, x] { kept->complete(x); });
          const std::lock_guard lock(mutex_);
          held_.push_back(std::move(kept));
        },
        {.serial = true});
  }
  void hold(Engine<int, int>& engine) {
    first_.emplace(engine.submit(0));
    check(eventually([&] {
            const std::lock_guard lock(mutex_);
            return !held_.empty();
          }),
          "not started");
  }
  void open() {
    std::vector<std::shared_ptr<Completion<int>>> all;
    {
      const std::lock_guard lock(mutex_);
      all.swap(held_);
    }
    for (auto& done : all) done->complete(0);
  }

 private:
  const Setting& setting_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Completion<int>>> held_;
  std::optional<Handle<int>> first_;
};

// Opens it before the engine that waits for it is gone, also where a check fails.
struct OpensSlow {
  Slow& slow;
  ~OpensSlow() { slow.open(); }
};

// Requests that have all the time that they need, one after another.
void teach(Engine<int, int>& engine) {
  for (int i = 0; i < 40; ++i) expect(engine.submit(1, {.within = 1h}).get(), Code::none);
}
// They go before all who say nothing of their priority, whatever their deadlines.
void fill(Engine<int, int>& engine, std::vector<Handle<int>>& handles, unsigned requests = 20) {
  for (unsigned i = 0; i < requests; ++i) handles.push_back(engine.submit(1, {.priority = 1}));
  check(eventually([&] { return engine.figures().waiting == requests; }), "they do not wait");
}
auto one_slow(Slow& slow) {
  return from_int([&](Stream<int> s) { return s.then("before", same).then("slow", slow.stage()).then("after", same); });
}

void who_would_miss_is_refused(const Setting& setting) {
  Slow slow(setting);
  auto engine = setting.start(one_slow(slow), {.max_in_flight = 23});
  const OpensSlow opens{slow};
  teach(engine);
  slow.hold(engine);
  std::vector<Handle<int>> handles;
  fill(engine, handles);
  auto late = engine.submit(1, {.within = 5ms});
  check(late.ready(), "not refused at once");
  const auto refused = late.get();
  expect(refused, Code::would_miss);
  check(refused.error().retry_after() > 0ms, "no word of when to try again");
  expect(engine.run(1, {.within = 5ms}), Code::would_miss);
  handles.push_back(engine.submit(1, {.within = 1h}));
  handles.push_back(engine.submit(1, {.deadline = never, .priority = -1}));
  const auto no_room = engine.submit(1, {.within = 1h}).get();
  expect(no_room, Code::overloaded);
  check(no_room.error().retry_after() > 0ms, "no word of when there may be room");
  slow.open();
  for (auto& h : handles) expect(h.get(), Code::none);
  expect(engine.submit(1, {.within = 1h}).get(), Code::none);
}

void who_goes_first_is_let_in(const Setting& setting) {
  if (!setting.virtual_time) return;  // a busy machine may be too slow for it
  Slow slow(setting);
  auto engine = setting.start(one_slow(slow));
  const OpensSlow opens{slow};
  teach(engine);
  slow.hold(engine);
  std::vector<Handle<int>> handles;
  fill(engine, handles);
  auto urgent = engine.submit(1, {.within = 5ms, .priority = 2});
  check(!urgent.ready(), "one who goes before the others was refused for their sake");
  pause(setting, 1ms);
  slow.open();
  expect(urgent.get(), Code::none);
  for (auto& h : handles) expect(h.get(), Code::none);
}

// One that would miss waits until it has missed.
void expect_no_refusal(const Setting& setting, const EngineOptions& options, bool taught) {
  Slow slow(setting);
  auto engine = setting.start(one_slow(slow), options);
  const OpensSlow opens{slow};
  if (taught) teach(engine);
  slow.hold(engine);
  std::vector<Handle<int>> handles;
  fill(engine, handles);
  expect(engine.submit(1, {.within = 2ms}).get(), Code::deadline_missed);
  slow.open();
  for (auto& h : handles) expect(h.get(), Code::none);
}

void nobody_is_refused_unknown(const Setting& setting) { expect_no_refusal(setting, {}, false); }
void who_is_not_to_shed_does_not(const Setting& setting) { expect_no_refusal(setting, {.shed = false}, true); }

void turns_are_not_given_to_who_would_miss(const Setting& setting) {
  if (!setting.virtual_time) return;  // to the microsecond
  Slow slow(setting);
  auto engine = setting.start(one_slow(slow));
  const OpensSlow opens{slow};
  teach(engine);
  slow.hold(engine);
  auto misses = engine.submit(1, {.within = 10ms});
  pause(setting, 9500us);
  check(!misses.ready(), "refused although it could have been answered");
  slow.open();
  expect(misses.get(), Code::would_miss);
  slow.hold(engine);
  auto meets = engine.submit(1, {.within = 10ms});
  pause(setting, 8900us);
  slow.open();
  expect(meets.get(), Code::none);
}

void a_cascade_answers_instead(const Setting& setting) {
  if (!setting.virtual_time) return;
  Slow slow(setting);
  auto engine = setting.start(
      from_int([&](Stream<int> s) { return cascade("c", s, exit_if(plus_one, never_so), slow.stage()); }));
  const OpensSlow opens{slow};
  teach(engine);
  slow.hold(engine);
  auto cut = engine.submit(1, {.within = 10ms});
  pause(setting, 9500us);
  check(!cut.ready(), "cut short although its rung could have answered");
  slow.open();
  pause(setting, 100us);
  check(cut.ready(), "not answered before its deadline");
  expect(cut.get(), "2 rung 0 anytime");
}

// The queue of one arm says nothing of the other's.
void arms_are_not_looked_at(const Setting& setting) {
  const bool in_order = setting.max_losers == 0 || !(setting.on_the_clock || setting.virtual_time);
  if (in_order) return;
  Slow slow(setting);
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto quick = [](int x) -> Result<int> { return x == 7 ? Result<int>(x) : Error(Code::bad_value, "not 7"); };
    return race("r", s, slow.stage(), quick);
  }));
  const OpensSlow opens{slow};
  teach(engine);
  slow.hold(engine);
  std::vector<Handle<int>> handles;
  fill(engine, handles);
  expect(engine.submit(7, {.within = 1h}).get(), Code::none);
  if (setting.virtual_time) expect(engine.submit(7, {.within = 5ms}).get(), Code::none);
  slow.open();
  for (auto& h : handles) expect(h.get(), Code::none);
}

// ---- streams

void the_latest_takes_the_place_of_the_oldest(const Setting& setting) {
  Line line;
  auto engine =
      setting.start(from_int([&](Stream<int> s) { return s.then("line", line.stage()); }), {.max_in_flight = 4});
  OpensLine opens{line};
  const Request latest{.stream = 7, .overload = Overload::latest};
  auto first = engine.submit(0, latest);
  check(eventually([&] { return line.holds(); }), "not started");
  auto one = engine.submit(1, latest), two = engine.submit(2, latest), three = engine.submit(3, {.stream = 7});
  check(eventually([&] { return engine.figures().waiting == 3; }), "they do not wait");
  expect(engine.submit(4, {.stream = 7}).get(), Code::overloaded);
  expect(engine.submit(4, {.stream = 8, .overload = Overload::latest}).get(), Code::overloaded);
  auto four = engine.submit(4, latest);
  if (setting.max_losers == 0) {  // one that keeps its outcome would have no place
    expect(four.get(), Code::overloaded);
    return check(!one.ready(), "answered although it made no room");
  }
  check(one.ready() && !two.ready(), "not the oldest one, or not at once");
  expect(one.get(), Code::superseded);
  check(eventually([&] { return engine.figures().waiting == 3; }), "it does not wait");
  auto five = engine.submit(5, latest);
  expect(two.get(), Code::superseded);
  check(!first.ready() && !three.ready(), "one that runs, or does not say so, was replaced");
  line.open();
  expect(first.get(), Code::none);
  expect(three.get(), Code::none);
  expect(four.get(), Code::none);
  expect(five.get(), Code::none);
  line.expect_order({3, 4, 5});
}

void callbacks_of_the_superseded_are_called(const Setting& setting) {
  if (setting.max_losers == 0) return;
  Line line;
  std::atomic<int> superseded{0}, answered{0};
  auto engine =
      setting.start(from_int([&](Stream<int> s) { return s.then("line", line.stage()); }), {.max_in_flight = 2});
  OpensLine opens{line};
  auto first = engine.submit(0);
  check(eventually([&] { return line.holds(); }), "not started");
  const auto note = [&](Outcome<int> o) { ++(code_of(o) == Code::superseded ? superseded : answered); };
  for (int i = 1; i <= 20; ++i)  // at once, but where a thread has just taken up the one before
    check(eventually([&] { return bool(engine.submit(i, {.overload = Overload::latest}, note)); }), "no room");
  check(eventually([&] { return superseded == 19; }), "not 19 were superseded");
  line.open();
  check(eventually([&] { return answered == 1; }), "the last one was not answered");
  expect(first.get(), Code::none);
  line.expect_order({20});
}

// Answers that come when they are told to.
struct Held {
  std::mutex mutex;
  std::map<int, Completion<int>> out;
  auto stage() {
    return [this](const int& x, Completion<int> done) {
      const std::lock_guard lock(mutex);
      out.emplace(x, std::move(done));
    };
  }
  void wait_for(int x) {
    check(eventually([&] {
            const std::lock_guard lock(mutex);
            return out.count(x) > 0;
          }),
          "not started");
  }
  void complete(int x) {
    wait_for(x);
    std::unique_lock lock(mutex);
    Completion<int> done = std::move(out.at(x));
    out.erase(x);
    lock.unlock();
    done.complete(x);
  }
};

void older_answers_are_superseded(const Setting& setting) {
  Held held;
  auto engine = setting.start(from_int([&](Stream<int> s) { return s.then("a", held.stage()); }));
  const auto at = [](int ms, std::uint64_t stream = 1) {
    return Request{.stream = stream, .stamp = TimePoint(std::chrono::milliseconds(ms)), .ordered = true};
  };
  auto one = engine.submit(1, at(10)), two = engine.submit(2, at(20)), same_time = engine.submit(3, at(20)),
       other = engine.submit(4, at(10, 2)), three = engine.submit(6, at(30)), failed = engine.submit(7, at(40));
  auto plain = engine.submit(5, {.stream = 1, .stamp = TimePoint(1ms)});
  held.wait_for(7);
  failed.cancel();
  expect(failed.get(), Code::cancelled);
  const auto answered = [&](int x, Handle<int>& handle, Code code) {  // the next one only then: threads may overtake
    held.complete(x);
    expect(handle.get(), code);
  };
  answered(2, two, Code::none);
  answered(1, one, Code::superseded);
  answered(3, same_time, Code::none);
  answered(4, other, Code::none);
  answered(5, plain, Code::none);
  answered(6, three, Code::none);
  auto again = engine.submit(8, at(5));  // nobody of its stream is left
  held.complete(8);
  expect(again.get(), Code::none);
  held.complete(7);
}

}  // namespace

void add_overload_cases(std::vector<Case>& t) {
  t.push_back(script_case("who would miss is refused",
                          {"would-miss-door", "would-miss-retry", "overloaded-retry", "would-miss-no-deadline"},
                          who_would_miss_is_refused));
  t.push_back(script_case("who goes first is let in", {"would-miss-door"}, who_goes_first_is_let_in));
  t.push_back(script_case("nobody is refused unknown", {"would-miss-known"}, nobody_is_refused_unknown));
  t.push_back(script_case("who is not to shed does not", {"would-miss-off"}, who_is_not_to_shed_does_not));
  t.push_back(
      script_case("turns are not given to who would miss", {"would-miss-turn"}, turns_are_not_given_to_who_would_miss));
  t.push_back(script_case("a cascade answers instead", {"would-miss-anytime"}, a_cascade_answers_instead));
  t.push_back(script_case("arms are not looked at", {"would-miss-arms"}, arms_are_not_looked_at));
  t.push_back(script_case("the latest takes the place of the oldest", {"latest-oldest", "latest-none", "latest-losers"},
                          the_latest_takes_the_place_of_the_oldest));
  t.push_back(
      script_case("callbacks of the superseded are called", {"latest-oldest"}, callbacks_of_the_superseded_are_called));
  t.push_back(
      script_case("older answers are superseded", {"ordered-older", "ordered-forgets"}, older_answers_are_superseded));
}

}  // namespace tailrace::test
