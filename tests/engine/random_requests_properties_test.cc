// Random requests to small engines: cancelled, timed, dropped, refused, stopped, with slow callbacks, in every setting.
// Each has exactly one outcome, one that the reference allows, and is released once; no stage begins past a deadline,
// or beside more others than its station allows; room is neither lost nor made; nothing is left behind.
// checks: same-set, request-one
// To replay a failure: RC_PARAMS="seed=…" as printed, engine_test "random requests*"
#include <rapidcheck.h>
#include <rapidcheck/detail/Configuration.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <deque>
#include <stop_token>
#include <thread>

#include "support/check.h"
#include "support/random_flow.h"
#include "support/random_stages.h"
#include "support/reference.h"
#include "support/sanitized.h"
#include "support/settings.h"
#include "support/time_limit.h"

using namespace tailrace;
using namespace tailrace::test;

namespace {

constexpr int tries = sanitized ? 500 : 10000;

using Words = std::vector<std::string>;

// The latest failure in words: where it depends on timing, the run that RapidCheck reports may be one that passed.
std::string last_failure;
[[noreturn]] void fail(const std::string& why) {
  last_failure = why;
  RC_FAIL(why);
}

struct Tally final : Observer {
  void on_event(const Event& e) noexcept override {
    outcomes += e.kind == Event::Kind::answered || e.kind == Event::Kind::refused;
  }
  std::atomic<unsigned> outcomes{0};
};

// Whether a request may be answered before all that works for it has ended, also where nothing cuts it short: its
// stages answer later, or wait for their turn, or a cascade was cut off.
bool lingers(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& n) {
    return n.stage.asynchronous || n.stage.station.limit || n.reserve ||
           std::any_of(n.arms.begin(), n.arms.end(), [](const auto& arm) { return lingers(*arm.graph); });
  });
}

// One engine, what it is asked, and what came back.
class Storm {
 public:
  Storm(const Flow<Token, Token>& flow, const Setting& setting, const Genes& genes)
      : genes_(genes),
        setting_(setting),
        max_in_flight_(1 + next() % 4),
        plain_(words_of(reference_outcomes(flow, input(), false, 200))),
        cut_(words_of(reference_outcomes(flow, input(), true, 200))),
        lingers_(lingers(flow.graph())),
        elsewhen_(setting.executor.get(), setting.virtual_time),
        engine_(setting.start(flow, {.max_in_flight = max_in_flight_, .max_losers = next() % 3u, .observer = tally_})) {
  }

  bool too_many_ways() const { return plain_.empty() || cut_.empty(); }
  void run() {
    for (std::size_t left = std::min<std::size_t>(genes_.size(), 12); left > 0; --left) ask(next());
    for (auto& [handle, asked] : handles_) judge(handle.get(), asked);
    if (!eventually([&] { return called_ == calls_; })) fail("a callback was not called");
    if (!eventually([&] { return tally_->outcomes >= asked_; })) fail("a request was not answered");
    if (!eventually([&] { return rest(), room() == max_in_flight_; })) fail(setting_.name + ": room was lost");
    if (next() % 2) stop_under_way();
    if (!engine_.drain().empty()) fail("a stage still runs, or a callback");
    judge_the_rest();
  }

 private:
  void stop_under_way() {
    std::deque<Handle<Token>> handles;
    for (unsigned i = 0; i < 3; ++i, ++asked_) handles.push_back(engine_.submit(input(), request(next())));
    engine_.stop();
    for (auto& h : handles) {
      const auto o = h.get();
      const bool stopped = !o && o.error().code() == Code::shutting_down;
      if (!stopped && !is_refusal(o) && !is_allowed(o, plain_)) fail(setting_.name + " stopped: " + show(o));
    }
  }
  // When nothing runs any more.
  void judge_the_rest() {
    if (tally_->outcomes != asked_) fail("a request had two outcomes");
    if (wrong_) fail("a callback got an outcome that is not allowed");
    if (released_ != releases_) fail("a request was not released, or twice");
    if (!elsewhen_.settled()) fail("a Completion was not used");
    if (!elsewhen_.wrong().empty()) fail(setting_.name + ": " + elsewhen_.wrong());
    const EngineFigures figures = engine_.figures();
    if (figures.waiting) fail("a request still waits for its turn");
    if (figures.too_late != elsewhen_.noticed().too_late) fail("not as many uses that came too late were counted");
  }

  static Token input() { return Token("input"); }
  unsigned next() { return at_ < genes_.size() ? genes_[at_++] : 0; }

  std::string words(const Outcome<Token>& o) const {
    if (setting_.forks) return show(static_cast<const Result<Token>&>(o));
    return o ? show(*o) + show(Facts{o.rung, o.winner, o.anytime, o.fallback}) : show(o.error());
  }
  Words words_of(const std::vector<Outcome<Token>>& all) const {
    Words list;
    for (const auto& o : all) list.push_back(words(o));
    return list;
  }

  // Whether every place may be taken: only then may a request be refused. Those that were answered from outside while a
  // stage worked for them may still hold their memory.
  bool may_be_full() const {
    if (lingers_) return asked_ > max_in_flight_;
    return handles_.size() + loose_ + (calls_ - called_) >= max_in_flight_;
  }
  static bool is_refusal(const Outcome<Token>& o) { return !o && o.error().code() == Code::overloaded; }

  struct Asked {
    Request request;
    bool cancelled = false;
    bool full = false;  // may_be_full() when it was asked
  };
  bool allows(const Outcome<Token>& o, const Asked& asked) const {
    if (is_refusal(o)) return asked.full;
    if (asked.cancelled && !o && o.error().code() == Code::cancelled) return true;
    return is_allowed(o, asked.request.within != Duration{} ? cut_ : plain_);
  }
  bool is_allowed(const Outcome<Token>& o, const Words& list) const {
    return std::find(list.begin(), list.end(), words(o)) != list.end();
  }
  void judge(const Outcome<Token>& o, const Asked& asked) {
    if (!allows(o, asked)) fail(setting_.name + ": " + show(o));
  }

  // A request without a deadline.
  Request request(unsigned gene) {
    Request r;
    r.priority = static_cast<int>(gene / 8 % 3) - 1;
    r.stream = gene / 32 % 4;
    if (gene % 3) return r;
    ++releases_;
    r.on_release = [this] { ++released_; };
    return r;
  }
  void ask(unsigned gene) {
    Request plain = request(next()), timed = plain;
    timed.within = std::chrono::microseconds(1 + gene / 8 * 4);
    ++asked_;
    switch (gene % 8) {
      case 0: return run_one(plain);
      case 1: return run_one(timed);
      case 2: return keep(plain, false);
      case 3: return keep(plain, true);
      case 4: return keep(timed, gene % 16 == 4);
      case 5: return call(plain);
      case 6: return call(timed);
      default: return drop(gene % 16 == 7 ? timed : plain);
    }
  }
  void run_one(const Request& request) {
    const Asked asked{request, false, may_be_full()};
    judge(engine_.run(input(), request), asked);
    loose_ += request.within != Duration{};
  }
  // Cancels by the handle, or where the request is to be released by a stop token.
  void keep(Request request, bool cancel) {
    std::stop_source source;
    if (cancel && request.on_release) request.stop = source.get_token();
    const Asked asked{request, cancel, may_be_full()};
    handles_.push_back({engine_.submit(input(), request), asked});
    if (!cancel) return;
    if (request.on_release) source.request_stop();
    else handles_.back().first.cancel();
  }
  void drop(const Request& request) {
    (void)engine_.submit(input(), request);
    ++loose_;
  }
  void call(const Request& request) {
    const bool full = may_be_full();
    const auto slow = [this, timed = request.within != Duration{}](Outcome<Token> o) {
      for (const auto end = Clock::now() + std::chrono::microseconds(20); Clock::now() < end;) {
      }
      wrong_ += !is_allowed(o, timed ? cut_ : plain_);
      ++called_;
    };
    const Status status = engine_.submit(input(), request, slow);
    if (status) ++calls_, loose_ += request.within != Duration{};
    else if (!full || status.error().code() != Code::overloaded) fail("refused although there was room");
  }

  // Gives what works for answered requests the time to end.
  void rest() const {
    (void)elsewhen_.settled();
    if (!lingers_) return;
    if (!setting_.meanwhile) return std::this_thread::sleep_for(std::chrono::microseconds(20));
    for (int i = 0; i < 200; ++i) setting_.meanwhile();
  }
  // How many requests are let in at a time now.
  std::uint32_t room() {
    std::vector<Handle<Token>> let_in;
    for (std::uint32_t i = 0; i <= max_in_flight_; ++i, ++asked_) let_in.push_back(engine_.submit(input()));
    std::uint32_t count = 0;
    for (auto& h : let_in) count += !is_refusal(h.get());
    if (count > max_in_flight_) fail("more requests were let in than there are places");
    return count;
  }

  const Genes& genes_;
  std::size_t at_ = 0;
  const Setting& setting_;
  const std::uint32_t max_in_flight_;
  const std::shared_ptr<Tally> tally_ = std::make_shared<Tally>();
  std::atomic<unsigned> called_{0}, wrong_{0}, released_{0};
  const Words plain_, cut_;
  const bool lingers_;  // requests may, beyond their answers
  std::deque<std::pair<Handle<Token>, Asked>> handles_;
  unsigned asked_ = 0, loose_ = 0, calls_ = 0, releases_ = 0;
  Elsewhen elsewhen_;
  Engine<Token, Token> engine_;
};

const Setting& any_setting(unsigned gene) { return settings()[gene % settings().size()]; }

void one_storm(int& tried, TimeLimit& limit, std::uint64_t seed) {
  const auto genes = *rc::gen::container<Genes>(rc::gen::arbitrary<std::uint8_t>());
  const auto storm = *rc::gen::container<Genes>(rc::gen::arbitrary<std::uint8_t>());
  const Setting& setting = any_setting(*rc::gen::inRange(0u, 1000u));
  const long before = Token::alive() + Boxed::alive;
  limit.step([name = setting.name, words = in_words(genes) + ", " + in_words(storm), seed] {
    return "the flow and the requests of " + words + " on " + name + ", RC_PARAMS=seed=" + std::to_string(seed);
  });
  {
    const Meanwhile lend(setting.meanwhile);
    Storm all(random_flow(genes), setting, storm);
    if (!all.too_many_ways()) ++tried, all.run();
  }
  if (setting.meanwhile && setting.executor->tick({}).next != never) fail("a timer was left behind");
  if (Token::alive() + Boxed::alive != before) fail("values were left behind");
}

}  // namespace

TEST_CASE("random requests have one allowed outcome each, and leave nothing behind") {
  auto params = rc::detail::configuration().testParams;
  if (params.maxSuccess == 100) params.maxSuccess = tries;
  int tried = 0;
  TimeLimit limit;
  const auto result =
      rc::detail::checkProperty(rc::detail::toProperty([&] { one_storm(tried, limit, params.seed); }), {}, params);
  std::ostringstream words;
  rc::detail::printResultMessage(result, words);
  INFO(words.str() << "\nRC_PARAMS=seed=" << params.seed << "\nlatest failure: " << last_failure);
  CHECK(result.is<rc::detail::SuccessResult>());
  CHECK(tried > params.maxSuccess / 2);  // the others have too many ways to end
}
