#include "support/expect.h"
#include "support/steps.h"

// Who waits for a turn and is stopped.
namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

void a_waiting_element_leaves_at_once(const Setting& setting) {
  if (setting.threads < 2) return;  // somebody must hold the stage while others wait
  Gate gate;
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto hold = [&](int x) { return gate.pass(), x; };
    return each("e", s.then("v", count_up),
                flow<int>("one", [&](Stream<int> x) { return x.then("a", stage(hold, {.serial = true})); }));
  }));
  Opens opens{gate};
  auto first = engine.submit(1);
  check(eventually([&] { return gate.arrived() == 1; }), "not started");
  auto second = engine.submit(2);
  check(eventually([&] { return engine.figures().waiting > 0; }), "no element waits");
  second.cancel();
  check(engine.figures().waiting == 0, "an element of a cancelled request waits for its turn");
  expect(engine.submit(1, {.within = 20ms}).get(), Code::deadline_missed);
  check(engine.figures().waiting == 0, "an element of an expired request waits for its turn");
  check(gate.closed(), "they left in their turn");
  gate.open();
  expect(first.get(), Code::none);
}

// The one whose turn it is, and who would answer for others as well, is cancelled before it runs.
void the_first_of_a_batch_is_left_out(const Setting& setting) {
  if (setting.threads < 2) return;
  Gate batch, busy;
  std::mutex mutex;
  std::vector<std::vector<int>> seen;
  const auto together = [&](Batch<int, int>& rows) {
    std::vector<int> in;
    for (std::size_t i = 0; i < rows.size(); ++i) rows.put(i, rows.in(i)), in.push_back(rows.in(i));
    {
      const std::lock_guard lock(mutex);
      seen.push_back(in);
    }
    if (in.front() == 0) batch.pass();
  };
  auto engine = setting.start(from_int([&](Stream<int> s) {
    const auto wait = [&](int x) { return (x > 1 ? void() : busy.pass()), x; };
    const auto line = flow<int>(
        "line", [&](Stream<int> x) { return x.then("b", stage(together, {.max_batch = 4})).then("z", wait); });
    return choose(
        "c", s, [](const int& x) { return x == 1; }, line, wait);
  }));
  Opens opens{batch}, too{busy};
  std::vector<Handle<int>> others;
  others.push_back(engine.submit(0));
  check(eventually([&] { return batch.arrived() == 1; }), "not started");
  auto leader = engine.submit(2);
  check(eventually([&] { return engine.figures().waiting == 1; }), "it does not wait");
  others.push_back(engine.submit(3));
  check(eventually([&] { return engine.figures().waiting == 2; }), "it does not wait");
  for (unsigned i = 1; i < setting.threads; ++i) others.push_back(engine.submit(1));
  check(eventually([&] { return busy.arrived() + 1 == static_cast<int>(setting.threads); }), "a thread is free");
  batch.open();  // the thread gives the turn on, and is busy from then on
  check(eventually([&] { return busy.arrived() == static_cast<int>(setting.threads); }), "a thread is free");
  leader.cancel();
  busy.open();
  expect(leader.get(), Code::cancelled);
  for (auto& h : others) expect(h.get(), Code::none);
  check(seen == std::vector<std::vector<int>>{{0}, {3}}, "batches of " + show(seen));
}

}  // namespace

void add_leaving_cases(std::vector<Case>& t) {
  t.push_back(script_case("waiting elements leave at once", {"station-leave"}, a_waiting_element_leaves_at_once));
  t.push_back(script_case("the first of a batch is left out", {"batch-stopped"}, the_first_of_a_batch_is_left_out));
}

}  // namespace tailrace::test
