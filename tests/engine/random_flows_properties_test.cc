// Random flows: every outcome of the engine is one that the reference allows.
// checks: same-everywhere, same-set, request-one
// To replay a failure: RC_PARAMS="seed=…" as printed.
#include <rapidcheck.h>
#include <rapidcheck/detail/Configuration.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "support/check.h"
#include "support/random_flow.h"
#include "support/random_stages.h"
#include "support/reference.h"
#include "support/settings.h"
#include "support/time_limit.h"

using namespace tailrace;
using namespace tailrace::test;

namespace {

using Outcomes = std::vector<Outcome<Token>>;

Token input(unsigned i) { return Token("input " + std::to_string(i)); }

// Which arm or rung is "the last" is not defined where branches of a join run at the same time.
std::string words(const Outcome<Token>& o, bool facts) {
  if (!facts) return show(static_cast<const Result<Token>&>(o));
  Facts without_late = o;
  without_late.late = false;  // without threads an answer may come past its deadline
  return o ? show(*o) + show(without_late) : show(o.error());
}

// Counts outcomes.
struct Counter final : Observer {
  void on_event(const Event& e) noexcept override { answered += e.kind == Event::Kind::answered; }
  std::atomic<int> answered{0};
};
std::pair<std::shared_ptr<Counter>, EngineOptions> counted() {
  auto counter = std::make_shared<Counter>();
  return {counter, {.max_in_flight = 8, .max_losers = 8, .observer = counter}};
}

bool allows(const Outcomes& all, const Outcome<Token>& one, bool facts = true) {
  return std::any_of(all.begin(), all.end(), [&](const auto& o) { return words(o, facts) == words(one, facts); });
}
std::string list(const Outcomes& all) {
  std::string text;
  for (const auto& o : all) text += "\n  allowed: " + show(o);
  return text;
}

void same_in(const Setting& setting, const Flow<Token, Token>& flow, unsigned in, const Outcomes& all) {
  const Meanwhile lend(setting.meanwhile);
  const Elsewhen elsewhen(setting.executor.get(), setting.virtual_time);
  const auto [counter, options] = counted();
  auto engine = setting.start(flow, options);
  std::atomic<int> called{0};
  std::vector<Handle<Token>> handles;
  for (int i = 0; i < 4; ++i) handles.push_back(engine.submit(input(in)));
  for (auto& h : handles) {
    const auto o = h.get();
    if (!allows(all, o, !setting.forks)) RC_FAIL(setting.name + " submit: " + show(o) + list(all));
  }
  const auto o = engine.run(input(in));
  if (!allows(all, o, !setting.forks)) RC_FAIL(setting.name + " run: " + show(o) + list(all));
  RC_ASSERT(engine.submit(input(in), {}, [&](Outcome<Token> x) { called += allows(all, x, !setting.forks) ? 1 : 100; })
                .has_value());
  RC_ASSERT(eventually([&] { return called > 0; }));
  engine.stop();
  RC_ASSERT(elsewhen.settled() && elsewhen.wrong() == "");
  RC_ASSERT(called == 1);
  RC_ASSERT(counter->answered == 6);
}

// More tries than RapidCheck makes by itself, unless RC_PARAMS says otherwise, and nothing printed.
void check_property(const std::function<void(const Genes&)>& property) {
  auto params = rc::detail::configuration().testParams;
  if (params.maxSuccess == 100) params.maxSuccess = 300;
  TimeLimit limit;
  const auto result =
      rc::detail::checkProperty(rc::detail::toProperty([&] {
                                  const auto genes = *rc::gen::container<Genes>(rc::gen::arbitrary<std::uint8_t>());
                                  limit.step([words = in_words(genes), seed = params.seed] {
                                    return "the flow of " + words + ", RC_PARAMS=seed=" + std::to_string(seed);
                                  });
                                  const long before = Token::alive() + Boxed::alive;
                                  property(genes);
                                  if (Token::alive() + Boxed::alive != before) RC_FAIL("values were left behind");
                                }),
                                {}, params);
  std::ostringstream words;
  rc::detail::printResultMessage(result, words);
  INFO(words.str() << "\nRC_PARAMS=seed=" << params.seed);
  CHECK(result.is<rc::detail::SuccessResult>());
}

}  // namespace

TEST_CASE("random flows give what the reference gives, in every setting") {
  check_property([](const Genes& genes) {
    const auto flow = random_flow(genes);
    for (unsigned in = 0; in < 2; ++in) {
      const auto all = reference_outcomes(flow, input(in), false, 400);
      if (all.empty()) continue;  // too many ways
      for (const auto& setting : settings()) same_in(setting, flow, in, all);
    }
  });
}

TEST_CASE("random flows under deadlines and cancellation give one allowed outcome") {
  check_property([](const Genes& genes) {
    const auto flow = random_flow(genes);
    auto all = reference_outcomes(flow, input(0), true, 400);
    if (all.empty()) return;
    all.push_back({Result<Token>(Error(Code::cancelled, ""))});
    for (const auto& setting : settings()) {
      const Meanwhile lend(setting.meanwhile);
      const Elsewhen elsewhen(setting.executor.get(), setting.virtual_time);
      const auto [counter, options] = counted();
      auto engine = setting.start(flow, options);
      std::vector<Handle<Token>> handles;
      std::atomic<int> called{0};
      for (int i = 0; i < 6; ++i) {
        const Request request{.within = std::chrono::microseconds(5 + 20 * (i + genes.size() % 7))};
        handles.push_back(engine.submit(input(0), request));
        if (i % 3 == 2) handles.back().cancel();
      }
      RC_ASSERT(engine
                    .submit(input(0), {.within = std::chrono::microseconds(50)},
                            [&](Outcome<Token> o) { called += allows(all, o, !setting.forks) ? 1 : 100; })
                    .has_value());
      for (auto& h : handles) {
        const auto o = h.get();
        if (!allows(all, o, !setting.forks)) RC_FAIL(setting.name + ": " + show(o) + list(all));
      }
      RC_ASSERT(eventually([&] { return called > 0; }));
      RC_ASSERT(elsewhen.settled() && elsewhen.wrong() == "");
      RC_ASSERT(called == 1);
      RC_ASSERT(counter->answered == 7);
    }
  });
}
