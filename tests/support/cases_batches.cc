#include <algorithm>
#include <optional>
#include <thread>

#include "support/expect.h"
#include "support/steps.h"

namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

void doubled(Batch<int, int>& batch) {
  for (std::size_t i = 0; i < batch.size(); ++i) batch.put(i, 2 * batch.in(i));
}

// A batch stage that holds the batch of a 0, and notes the batches that it gets.
struct Batches {
  Gate gate;
  std::mutex mutex;
  std::vector<std::vector<int>> seen;
  std::vector<TimePoint> deadlines;
  std::vector<int> unwanted;

  auto stage(unsigned max_batch) {
    return tailrace::stage([this](Batch<int, int>& batch) { answer(batch); }, {.max_batch = max_batch});
  }
  void answer(Batch<int, int>& batch) {
    std::vector<int> rows;
    for (std::size_t i = 0; i < batch.size(); ++i) rows.push_back(batch.in(i));
    {
      const std::lock_guard lock(mutex);
      seen.push_back(rows);
      deadlines.push_back(batch.earliest_deadline());
    }
    if (rows.front() == 0) gate.pass();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch.stopped(i)) unwanted.push_back(batch.in(i));
      else if (batch.in(i) % 10 == 7) batch.fail(i, {Code::bad_value, "a seven"});
      else if (batch.in(i) % 10 != 8) batch.put(i, 100 + batch.in(i));
      if (batch.in(i) % 10 == 3) batch.put(i, -1);  // the first one counts
      if (batch.in(i) % 10 == 9) throw std::runtime_error("a nine");
    }
  }
};

// Starts a request with 0, which holds the stage, and then the others, which wait there.
std::vector<Handle<int>> behind_zero(Engine<int, int>& engine, Batches& batches, const std::vector<int>& others,
                                     const Request& request = {}) {
  std::vector<Handle<int>> handles;
  handles.push_back(engine.submit(0));
  check(eventually([&] { return batches.gate.arrived() == 1; }), "not started");
  for (int x : others) {
    handles.push_back(engine.submit(x, request));
    check(eventually([&] { return engine.figures().waiting == handles.size() - 1; }), "it does not wait");
  }
  return handles;
}

void those_who_wait_share_a_call(const Setting& setting) {
  if (setting.threads < 2) return;  // somebody must hold the stage while others come
  Batches batches;
  auto engine =
      setting.start(from_int([&](Stream<int> s) { return s.then("b", batches.stage(3)).then("z", plus_one); }));
  Opens opens{batches.gate};
  auto handles = behind_zero(engine, batches, {1, 2, 3, 4, 5});
  batches.gate.open();
  for (std::size_t i = 0; i < handles.size(); ++i)
    check(handles[i].get().value() == 101 + static_cast<int>(i), "a wrong answer");
  check(batches.seen == std::vector<std::vector<int>>{{0}, {1, 2, 3}, {4, 5}}, "batches of " + show(batches.seen));
}

void rows_fail_for_themselves(const Setting& setting) {
  if (setting.threads < 2) return;
  Batches batches;
  auto engine = setting.start(from_int([&](Stream<int> s) { return s.then("b", batches.stage(8)); }));
  Opens opens{batches.gate};
  auto handles = behind_zero(engine, batches, {1, 7, 8, 9, 11});
  batches.gate.open();
  expect(handles[0].get(), Code::none);
  check(show(handles[1].get()) == "101", "a good row failed");
  check(show(handles[2].get()) == "bad_value at b: a seven", "a row's own error was lost");
  check(show(handles[3].get()) == "stage_failed at b: a nine", "a row without an answer did not fail with the call");
  check(show(handles[4].get()) == "109", "a row that had its answer failed");
  check(show(handles[5].get()) == "stage_failed at b: a nine", "a row without an answer did not fail with the call");
  check(show(engine.run(8)) == "stage_failed at b: the batch stage gave this row neither a value nor an error",
        "a forgotten row did not fail");
  check(show(engine.run(3)) == "103", "the second value counted");
}

void stopped_rows_are_left_out(const Setting& setting) {
  if (setting.threads < 2) return;
  Batches batches;
  auto engine = setting.start(from_int([&](Stream<int> s) { return s.then("b", batches.stage(8)); }));
  Opens opens{batches.gate};
  auto handles = behind_zero(engine, batches, {1, 2}, {.within = 40s, .priority = 1});
  handles.push_back(engine.submit(3, {.within = 20s}));  // the last row has the earliest deadline
  check(eventually([&] { return engine.figures().waiting == 3; }), "it does not wait");
  handles[2].cancel();
  handles[0].cancel();  // its call is under way
  auto missed = engine.submit(4, {.within = 1ms});
  expect(missed.get(), Code::deadline_missed);
  batches.gate.open();
  expect(handles[0].get(), Code::cancelled);
  check(handles[1].get().value() == 101 && handles[3].get().value() == 103, "a wrong answer");
  check(batches.seen == std::vector<std::vector<int>>{{0}, {1, 3}}, "batches of " + show(batches.seen));
  check(batches.deadlines[0] == never && batches.deadlines[1] < Clock::now() + 20s, "not the earliest deadline");
  check(batches.unwanted == std::vector<int>{0}, "the call did not see that its row was cancelled");
}

void many_threads_one_batch_stage(const Setting& setting) {
  auto engine = setting.start(from_int([&](Stream<int> s) {
    return s.then("a", same).then("b", stage(doubled, {.max_batch = 4})).then("z", plus_one);
  }));
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int c = 0; c < 3; ++c)
    callers.emplace_back([&, c] {
      for (int i = 0; i < 100; ++i) {
        if (c == 2) wrong += engine.submit(i).get().value() != 2 * i + 1;
        else wrong += engine.run(i, c ? Request{.within = 20s} : Request{}).value() != 2 * i + 1;
      }
    });
  for (auto& c : callers) c.join();
  check(wrong == 0, "a wrong answer");
}

void a_failed_request_takes_no_turn(const Setting& setting) {
  if (setting.threads < 2) return;  // somebody must hold the stage while others come
  Batches batches;
  std::optional<Completion<int>> seven;
  std::atomic<bool> has_returned = false;
  const auto keeps_sevens = [&](const int& x, Completion<int> done) {
    if (x == 7) seven.emplace(std::move(done)), has_returned = true;
    else done.complete(x);
  };
  auto engine = setting.start(from_int(
      [&](Stream<int> s) { return s.then("a", keeps_sevens).then("b", batches.stage(3)).then("z", plus_one); }));
  Opens opens{batches.gate};
  auto handles = behind_zero(engine, batches, {1});
  auto failed = engine.submit(7);
  check(eventually([&] { return has_returned.load(); }), "not begun");
  std::this_thread::sleep_for(1ms);  // the call is over, so that the request goes on where its Completion is used
  seven->fail({Code::bad_value, "no sevens"});
  check(eventually([&] { return failed.ready(); }), "it waits for a turn");
  check(failed.get().error().code() == Code::bad_value, "another error");
  batches.gate.open();
  for (auto& h : handles) check(h.get().has_value(), "another one was lost");
  check(batches.seen == std::vector<std::vector<int>>{{0}, {1}}, "batches of " + show(batches.seen));
}

}  // namespace

void add_batch_cases(std::vector<Case>& t) {
  t.push_back(flow_case("a batch stage", {"batch-rows"},
                        from_int([](Stream<int> s) { return s.then("b", doubled).then("c", plus_one); }),
                        {{1, {"3"}}, {5, {"11"}}}));
  t.push_back(flow_case("elements share batches", {"batch-rows"}, from_int([](Stream<int> s) {
                          const auto one = flow<int>("one", [](Stream<int> x) { return x.then("b", doubled); });
                          return each("e", s.then("v", count_up), one);
                        }),
                        {{5, {"[0 2 4 6 8]"}}}));
  t.push_back(flow_case("batch stages as arms", {"batch-rows"}, from_int([](Stream<int> s) {
                          const auto bad = [](Batch<int, int>&) { throw std::runtime_error("bang"); };
                          return cascade("k", race("r", s, bad, doubled), exit_if(bad, always), doubled);
                        }),
                        {{1, {"4 rung 1 winner 1"}}}));
  t.push_back(script_case("those who wait share a call", {"batch-waits"}, those_who_wait_share_a_call));
  t.push_back(script_case("rows fail for themselves",
                          {"batch-row-fails", "batch-throws", "batch-forgotten", "batch-once"},
                          rows_fail_for_themselves));
  t.push_back(script_case("stopped rows are left out", {"batch-stopped", "batch-deadline"}, stopped_rows_are_left_out));
  t.push_back(script_case("a failed request takes no turn", {"station-failed"}, a_failed_request_takes_no_turn));
  t.push_back(script_case("many threads, one batch stage", {"batch-rows"}, many_threads_one_batch_stage));
}

}  // namespace tailrace::test
