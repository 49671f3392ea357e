#include "support/expect.h"
#include "support/steps.h"

// Hedges whose two calls answer when the case says so.
namespace tailrace::test {
namespace {

using namespace std::chrono_literals;

// A stage whose calls stay out until they are used.
struct Calls {
  std::mutex mutex;
  std::vector<Completion<int>> out;
  std::atomic<int> count{0};

  ~Calls() { give_up(); }
  auto stage() {
    return tailrace::stage(
        [this](const int&, Completion<int> done) {
          const std::lock_guard lock(mutex);
          out.push_back(std::move(done));
          ++count;
        },
        {.replicable = true});
  }
  void await(int calls) {
    check(eventually([&] { return count >= calls; }), "the stage was not called");
  }
  void answer(int with) { take().complete(with); }
  void fail(std::string_view why) { take().fail({Code::bad_value, why}); }
  void give_up() {
    const std::lock_guard lock(mutex);
    out.clear();
  }

 private:
  Completion<int> take() {
    const std::lock_guard lock(mutex);
    check(!out.empty(), "no call is out");
    Completion<int> last = std::move(out.back());
    out.pop_back();
    return last;
  }
};

// Asks an engine whose second call goes to a stage of its own, and waits until both calls are out.
template <class Use>
void with_both_out(const Setting& setting, const std::string& wanted, Use use) {
  Calls first, second;
  auto engine = setting.start(
      from_int([&](Stream<int> s) { return hedge("h", s, {"race_all"}, first.stage(), second.stage()); }));
  auto h = engine.submit(1);
  first.await(1), second.await(1);
  use(h, first, second);
  expect(h.get(), wanted);
  first.give_up(), second.give_up();
}
void stays_out(Handle<int>& h, const std::string& why) {
  if (meanwhile)
    for (int i = 0; i < 20; ++i) meanwhile();
  check(!h.try_get(200us), why);
}

void each_call_counts_for_itself(const Setting& setting) {
  if (setting.max_losers == 0) return;
  with_both_out(setting, "7 winner 1", [](auto&, Calls&, Calls& second) { second.answer(7); });
  with_both_out(setting, "8 winner 0", [](auto&, Calls& first, Calls&) { first.answer(8); });
  with_both_out(setting, "8 winner 0", [](auto& h, Calls& first, Calls& second) {
    second.fail("the second");
    stays_out(h, "a second call that failed decided something");
    first.answer(8);
  });
  with_both_out(setting, "7 winner 1", [](auto& h, Calls& first, Calls& second) {
    first.fail("the first");
    stays_out(h, "a first call that failed beside a second one decided something");
    second.answer(7);
  });
  for (bool second_too_early : {false, true})
    with_both_out(setting, "bad_value at h[0]: the first", [=](auto& h, Calls& first, Calls& second) {
      if (second_too_early) second.fail("the second");
      else first.fail("the first");
      stays_out(h, "one call that failed decided something");
      if (second_too_early) first.fail("the first");
      else second.fail("the second");
    });
}

// The moment at which the policy would have had its copy passes, and nothing is called for what is over by then.
void the_moment_passes(const Setting& setting) {
  constexpr auto moment = 20ms;
  const PolicyUse then{"fixed", {{"delay_ms", 20}}};
  Calls calls;
  auto engine = setting.start(from_int([&](Stream<int> s) { return hedge("h", s, then, calls.stage()); }));
  // Answered, failed, cancelled, and answered at its deadline; again where the machine was too busy to be in time.
  for (int way = 0, tries = 0; way < 4 && tries < 300; ++tries) {
    const int before = calls.count;
    const auto begin = Clock::now();
    auto h = engine.submit(1, {.within = way == 3 ? 8ms : 1h});
    check(eventually([&] { return calls.count > before || h.ready(); }), "the stage was not called");
    if (calls.count == before) continue;  // the deadline was earlier
    if (way == 0) calls.answer(3);
    if (way == 1) calls.fail("it");
    if (way == 2) h.cancel();
    const Code code = code_of(h.get());
    const bool in_time = setting.virtual_time || Clock::now() < begin + moment;
    if (way > 1) calls.give_up();
    eventually([&] { return Clock::now() > begin + moment + 2ms; });
    const int copies = calls.count - before - 1;
    calls.give_up();
    if (!in_time) continue;
    const Code wanted[] = {Code::none, Code::bad_value, Code::cancelled, Code::deadline_missed};
    check(code == wanted[way], "another outcome: " + std::string(name(code)));
    check(copies == 0, "a second call for what was over, way " + std::to_string(way));
    ++way;
  }
  check(engine.drain().empty(), "something runs still");
}

}  // namespace

void add_hedge_call_cases(std::vector<Case>& t) {
  t.push_back(script_case(
      "each call of a hedge counts for itself",
      {"hedge-first", "hedge-winner", "hedge-other", "hedge-second-fails", "hedge-first-fails", "hedge-both-fail"},
      each_call_counts_for_itself));
  t.push_back(script_case("the moment for a copy passes", {"hedge-over"}, the_moment_passes));
}

}  // namespace tailrace::test
