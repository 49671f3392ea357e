#include "support/expect.h"
#include "support/steps.h"
#include "support/through_executor.h"

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
  void answer_all(int with) {
    while (auto one = next()) one->complete(with);
  }
  void fail_one() {
    if (auto one = next()) one->fail({Code::bad_value, "one"});
  }

 private:
  Completion<int> take() {
    const std::lock_guard lock(mutex);
    check(!out.empty(), "no call is out");
    Completion<int> last = std::move(out.back());
    out.pop_back();
    return last;
  }
  std::optional<Completion<int>> next() {
    const std::lock_guard lock(mutex);
    if (out.empty()) return std::nullopt;
    std::optional<Completion<int>> last(std::move(out.back()));
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

// Elements with a hedge each, whose second calls are 20 s away: alone, inside elements, or racing with another
// stage.
enum class Inside { nothing, elements, race };

Flow<int, int> hedged_elements(Calls& calls, Calls& rival, Inside inside) {
  const auto size = [](const std::vector<int>& v) { return static_cast<int>(v.size()); };
  const auto element = flow<int>("element", [&](Stream<int> s) {
    return hedge("h", s, {"fixed", {{"delay_ms", 2e4}}}, calls.stage());
  });
  const auto all =
      flow<int>("all", [&](Stream<int> s) { return each("e", s.then("up", count_up), element).then("size", size); });
  return from_int([&](Stream<int> s) {
    if (inside == Inside::nothing) return s.then("all", all);
    if (inside == Inside::race) return race("r", s, all, rival.stage());
    return each("outer", s.then("up", count_up), all).then("size", size);
  });
}

enum class Ending { answer, cancel, deadline, stop, failure, loss };

// However elements end, the timers of their hedges are disarmed before the answer, although their calls are still out.
void timers_end_so(const Setting& setting, Ending how, Inside inside) {
  const auto timers = std::make_shared<FarTimers>(setting);
  Setting seen = setting;
  seen.executor = timers;
  const int elements = static_cast<int>(std::clamp(timers->concurrency(), 1u, 3u));
  const bool nested = inside == Inside::elements;
  Calls calls, rival;
  auto engine = seen.start(hedged_elements(calls, rival, inside));
  auto h = engine.submit(nested ? 2 : elements, {.within = how == Ending::deadline ? Duration(40ms) : Duration{}});
  const int armed = nested ? 1 : elements;
  const auto all_out = [&] { return calls.count >= armed && timers->armed() >= static_cast<std::size_t>(armed); };
  check(eventually([&] { return all_out() || h.ready(); }), "the stage was not called, or no timer was armed");
  switch (how) {
    case Ending::answer: eventually([&] { return calls.answer_all(1), h.ready(); }); break;
    case Ending::cancel: h.cancel(); break;
    case Ending::deadline: break;
    case Ending::stop: engine.stop(); break;
    case Ending::failure: calls.fail_one(); break;
    case Ending::loss: eventually([&] { return rival.answer_all(1), h.ready(); }); break;
  }
  (void)h.get();
  check(timers->armed() == 0, "timers of hedges are armed still");
  calls.give_up(), rival.give_up();
  check(engine.drain().empty(), "something runs still");
}

void timers_end_with_elements(const Setting& setting) {
  for (const Inside inside : {Inside::nothing, Inside::elements})
    for (const Ending how : {Ending::answer, Ending::cancel, Ending::deadline, Ending::stop, Ending::failure})
      timers_end_so(setting, how, inside);
  const bool in_order = setting.max_losers == 0 || (setting.executor && setting.executor->concurrency() == 0);
  if (!in_order) timers_end_so(setting, Ending::loss, Inside::race);
}

}  // namespace

void add_hedge_call_cases(std::vector<Case>& t) {
  t.push_back(script_case(
      "each call of a hedge counts for itself",
      {"hedge-first", "hedge-winner", "hedge-other", "hedge-second-fails", "hedge-first-fails", "hedge-both-fail"},
      each_call_counts_for_itself));
  t.push_back(script_case("timers end with their elements", {"hedge-timer"}, timers_end_with_elements));
  t.push_back(script_case("the moment for a copy passes", {"hedge-over"}, the_moment_passes));
}

}  // namespace tailrace::test
