#include <optional>

#include "support/elsewhere.h"
#include "support/expect.h"
#include "support/steps.h"

namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

// Keeps the Completions that it is given.
struct Kept {
  std::mutex mutex;
  std::vector<Completion<int>> list;

  auto stage() {
    return [this](const int&, Completion<int> done) {
      std::lock_guard lock(mutex);
      list.push_back(std::move(done));
    };
  }
  std::size_t size() {
    std::lock_guard lock(mutex);
    return list.size();
  }
  Completion<int> take() {
    check(eventually([&] { return size() > 0; }), "the stage was not called");
    std::lock_guard lock(mutex);
    Completion<int> first = std::move(list.front());
    list.erase(list.begin());
    return first;
  }
};

// Gives up what is left, so that an engine behind which it stands can be destroyed.
struct GivesUp {
  Kept& kept;
  ~GivesUp() {
    const std::lock_guard lock(kept.mutex);
    kept.list.clear();
  }
};

void goes_on_on_the_executor(const Setting& setting) {
  const auto who = [](int) { return std::this_thread::get_id() == elsewhere().id(); };
  auto engine = setting.start(from_int([&](Stream<int> s) { return s.then("a", later(same)).then("who", who); }));
  for (int i = 0; i < 20; ++i) check(!*engine.run(i), "a stage ran on the thread that completed");
  for (int i = 0; i < 20; ++i) check(!*engine.submit(i).get(), "a stage ran on the thread that completed");
}

void a_waiting_request_holds_no_thread(const Setting& setting) {
  Kept kept;
  auto engine = setting.start(from_int([&](Stream<int> s) { return s.then("a", kept.stage()); }));
  const GivesUp gives_up{kept};
  std::vector<Handle<int>> handles;
  for (int i = 0; i < 20; ++i) handles.push_back(engine.submit(i));
  check(eventually([&] { return kept.size() == 20; }), "a request waited for a thread");
  for (int i = 0; i < 20; ++i) check(kept.take().complete(7), "a Completion was not taken");
  for (auto& h : handles) expect(h.get(), Code::none);
}

// Its request is answered, and what the stage looks at stays; it goes with the Completion, used or not.
void inputs_stay_until_the_completion_goes(const Setting& setting) {
  const long before = Counted::alive();
  const Counted* seen = nullptr;
  Kept kept;
  auto engine = setting.start(flow<int>("f", [&](Stream<int> s) {
    return s.then("make", [](int x) { return Counted(x); }).then("a", [&](const Counted& in, Completion<int> done) {
      const std::lock_guard lock(kept.mutex);
      seen = &in;
      kept.list.push_back(std::move(done));
    });
  }));
  const GivesUp gives_up{kept};
  for (bool used : {true, false}) {
    auto h = engine.submit(7);
    std::optional<Completion<int>> done(kept.take());
    h.cancel();
    expect(h.get(), Code::cancelled);
    if (meanwhile)
      for (int i = 0; i < 20; ++i) meanwhile();
    check(Counted::alive() == before + 1 && **seen == 7, "an input went before its Completion");
    if (used) check(!done->complete(1), "a value was taken too late");
    else done.reset();
    check(eventually([&] { return Counted::alive() == before; }), "an input stayed behind its Completion");
  }
}

void a_completion_counts_once(const Setting& setting) {
  Kept kept;
  auto engine = setting.start(from_int([&](Stream<int> s) { return s.then("a", kept.stage()); }));
  const GivesUp gives_up{kept};
  auto h = engine.submit(1);
  auto done = kept.take();
  check(done.complete(5) && !done.complete(6) && !done.fail({Code::bad_value, "no"}), "a Completion counted twice");
  check(show(h.get()) == "5", "not the first value");
}

void too_late_is_counted(const Setting& setting) {
  Kept kept;
  std::atomic<int> later_stage{0};
  auto engine = setting.start(from_int(
      [&](Stream<int> s) { return s.then("a", kept.stage()).then("z", [&](int x) { return ++later_stage, x; }); }));
  const GivesUp gives_up{kept};
  auto timed = engine.submit(1, {.within = 100ms});
  auto done = kept.take();
  expect(timed.get(), Code::deadline_missed);
  check(done.stop_requested(), "the Completion did not see that the request was over");
  check(!done.complete(1), "a value was taken after the deadline");
  check(engine.figures().too_late == 1, "it was not counted");
  auto cancelled = engine.submit(1);
  done = kept.take();
  check(!done.stop_requested() && done.deadline() == never, "stopped too early");
  cancelled.cancel();
  check(cancelled.ready(), "not cancelled at once");
  expect(cancelled.get(), Code::cancelled);
  check(!done.fail({Code::bad_value, "no"}) && engine.figures().too_late == 2, "it was not counted");
  check(later_stage == 0, "a stage ran behind an answered request");
}

void callers_who_run_wait_for_it(const Setting& setting) {
  Kept kept;
  auto engine = setting.start(from_int([&](Stream<int> s) { return s.then("a", kept.stage()); }));
  const GivesUp gives_up{kept};
  while (kept.size() == 0) expect(engine.run(1, {.within = 5ms}), Code::deadline_missed);
  check(!kept.take().complete(1), "a value was taken after the deadline");
  // The same inside a stage, whose thread does everything itself.
  auto host = setting.start(from_int([&](Stream<int> s) {
    return s.then("ask", [&](int x) { return name(code_of(engine.run(x, {.within = 5ms}))) == "deadline_missed"; });
  }));
  while (kept.size() == 0) check(*host.submit(1).get(), "run in a stage was not answered at its deadline");
  check(!kept.take().complete(1), "a value was taken after the deadline");
}

void stopping_answers_and_destruction_waits(const Setting& setting) {
  Kept kept;
  std::atomic<bool> used{false};
  std::optional<Handle<int>> h;
  std::thread user;
  {
    auto engine = setting.start(from_int([&](Stream<int> s) { return s.then("a", kept.stage()); }));
    const GivesUp gives_up{kept};
    h = engine.submit(1);
    user = std::thread([&, done = kept.take()]() mutable {
      eventually([&] { return done.stop_requested(); });
      std::this_thread::sleep_for(2ms);
      used = true;
      done.complete(1);
    });
    engine.stop();
    check(h->ready(), "not answered at once");
  }
  check(used, "the engine was destroyed before its Completion was used");
  expect(h->get(), Code::shutting_down);
  user.join();
}

void outstanding_ones_count_among_losers(const Setting& setting) {
  Kept kept;
  auto engine = setting.start(from_int([&](Stream<int> s) { return s.then("a", kept.stage()); }),
                              {.max_in_flight = 2, .max_losers = 1});
  const GivesUp gives_up{kept};
  const std::size_t room = setting.max_losers == 0 ? 2 : 3;
  for (std::size_t i = 0; i < room; ++i) {
    auto h = engine.submit(1);
    check(eventually([&] { return kept.size() == i + 1; }), "not started");
    h.cancel();
    expect(h.get(), Code::cancelled);
  }
  expect(engine.submit(1).get(), Code::overloaded);
  for (std::size_t i = 1; i < room; ++i) check(!kept.take().complete(1), "a value was taken too late");
  auto h = engine.submit(1);
  check(eventually([&] { return kept.size() == 2; }), "no room was made");
  while (kept.size()) kept.take().complete(3);
  expect(h.get(), Code::none);
}

}  // namespace

void add_async_cases(std::vector<Case>& t) {
  const auto fails = [](const int&, Completion<int> done) { done.fail({Code::bad_value, "not today"}); };
  const auto throws = [](const int& x, Completion<int> done) {
    if (x > 0) done.complete(x);
    throw std::runtime_error("bang");
  };
  const auto fails_and_throws = [](const int&, Completion<int> done) {
    done.fail({Code::bad_value, "first"});
    throw std::runtime_error("bang");
  };
  const auto drops = [](const int&, Completion<int>) {};
  t.push_back(flow_case("an asynchronous stage", {"async-value"}, from_int([](Stream<int> s) {
                          return s.then("a", plus_one).then("b", later(twice)).then("c", plus_one);
                        }),
                        {{1, {"5"}}, {4, {"11"}}}));
  t.push_back(flow_case("an asynchronous stage that completes at once", {"async-at-once"},
                        from_int([](Stream<int> s) { return s.then("a", at_once(spell)).then("n", length); }),
                        {{1, {"41"}}, {100, {"43"}}}));
  t.push_back(flow_case("a boxed value, later", {"async-value"},
                        from_int([](Stream<int> s) { return s.then("a", later([](int x) { return Boxed(x); })); }),
                        {{3, {"3"}}}));
  t.push_back(flow_case("an asynchronous stage fails", {"async-fails"},
                        from_int([=](Stream<int> s) { return s.then("a", fails).then("b", same); }),
                        {{1, {"bad_value at a: not today"}}}));
  t.push_back(flow_case("it fails later", {"async-fails"},
                        from_int([](Stream<int> s) { return s.then("a", later(bang)); }),
                        {{1, {"stage_failed at a: bang"}}}));
  t.push_back(flow_case("an asynchronous stage throws", {"async-throws"},
                        from_int([=](Stream<int> s) { return s.then("a", throws); }),
                        {{0, {"stage_failed at a: bang"}}, {1, {"stage_failed at a: bang"}}}));
  t.push_back(flow_case("an asynchronous stage fails and then throws", {"async-both"},
                        from_int([=](Stream<int> s) { return s.then("a", fails_and_throws).then("b", same); }),
                        {{1, {"bad_value at a: first"}}}));
  t.push_back(flow_case("a Completion that is not used", {"async-dropped"},
                        from_int([=](Stream<int> s) { return s.then("a", drops); }),
                        {{1, {"stage_failed at a: the stage gave up its Completion without using it"}}}));
  t.push_back(flow_case("asynchronous arms", {"async-arms"}, from_int([=](Stream<int> s) {
                          return race("r", s, later(twice), drops, later(bang)).then("z", plus_one);
                        }),
                        {{4, {"9 winner 0"}}}));
  t.push_back(flow_case("asynchronous rungs", {"async-arms"}, from_int([=](Stream<int> s) {
                          return cascade("k", s, exit_if(drops, always), exit_if(later(same), never_so), later(bang));
                        }),
                        {{4, {"4 rung 1 fallback"}}}));
  t.push_back(flow_case("asynchronous elements", {"async-arms"}, from_int([=](Stream<int> s) {
                          const auto one = flow<int>(
                              "one", [](Stream<int> x) { return x.then("a", later(twice)).then("b", plus_one); });
                          return each("e", s.then("v", count_up), one);
                        }),
                        {{5, {"[1 3 5 7 9]"}}, {0, {"[]"}}}));
  t.push_back(flow_case("asynchronous branches", {"async-arms"}, from_int([=](Stream<int> s) {
                          return join("j", s.then("a", later(twice)), s.then("b", later(spell)).then("n", length));
                        }),
                        {{5, {"(10 41 )"}}}));
  t.push_back(script_case("behind it the executor goes on", {"async-thread"}, goes_on_on_the_executor));
  t.push_back(script_case("it holds no thread", {"async-no-thread"}, a_waiting_request_holds_no_thread));
  t.push_back(
      script_case("inputs of asynchronous stages stay", {"async-input"}, inputs_stay_until_the_completion_goes));
  t.push_back(script_case("a Completion counts once", {"async-once"}, a_completion_counts_once));
  t.push_back(script_case("too late", {"async-late", "async-stop"}, too_late_is_counted));
  t.push_back(script_case("run waits for it", {"async-run"}, callers_who_run_wait_for_it));
  t.push_back(
      script_case("destruction waits for Completions", {"async-destroy"}, stopping_answers_and_destruction_waits));
  t.push_back(script_case("outstanding Completions count", {"async-counts"}, outstanding_ones_count_among_losers));
}

}  // namespace tailrace::test
