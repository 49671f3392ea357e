// What an observer that asks for stages is told: every call, also of fused stages, and every wait, with its times.
// checks: observer-stages
#include "engine/trace.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <mutex>

#include "support/steps.h"
#include "tailrace/exec/pool.h"
#include "tailrace/exec/start.h"
#include "tailrace/sim/virtual_time.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;
using What = Event::Kind;

namespace {

struct Told {
  What kind;
  Code code;
  std::uint32_t arm;
  std::string where;
  std::uint64_t request;
  TimePoint began, at;
};

class Recorder final : public Observer {
 public:
  explicit Recorder(Detail detail = Detail::stages) : detail_(detail) {}
  Detail detail() const noexcept override { return detail_; }
  void on_event(const Event& e) noexcept override {
    const std::lock_guard lock(mutex_);
    told_.push_back({e.kind, e.code, e.arm, std::string(e.where), e.request, e.began, e.at});
  }
  std::vector<Told> told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }
  // "double 2..5" of all calls and waits, in milliseconds since `zero`; what was cancelled or failed says so.
  std::vector<std::string> lines(TimePoint zero) const {
    std::vector<std::string> lines;
    const auto ms = [&](TimePoint t) { return std::to_string((t - zero) / 1ms); };
    for (const Told& t : told()) {
      const bool waited = t.kind == What::waited;
      if (!waited && t.kind != What::stage_ran && t.kind != What::completed && t.kind != What::stage_failed) continue;
      lines.push_back(std::to_string(t.request) + ": " + (waited ? "wait for " : "") + t.where + " " + ms(t.began) +
                      ".." + ms(t.at) + (t.code == Code::none ? "" : " " + std::string(name(t.code))));
    }
    return lines;
  }

 private:
  const Detail detail_;
  mutable std::mutex mutex_;
  std::vector<Told> told_;
};

using Lines = std::vector<std::string>;

// An asynchronous stage that takes that long on the virtual clock.
auto takes(const std::shared_ptr<sim::VirtualTime>& time, Duration duration) {
  return [time, duration](const int& x, Completion<int> done) {
    time->call_after(duration, [x, done = std::move(done)]() mutable { done.complete(x + 1); });
  };
}

struct World {
  std::shared_ptr<sim::VirtualTime> time = sim::virtual_time({.workers = 2}).value();
  std::shared_ptr<Recorder> recorder = std::make_shared<Recorder>();
  TimePoint zero = time->now();
  template <class In, class Out>
  Engine<In, Out> start(const Flow<In, Out>& flow) {
    return tailrace::start(flow, {.executor = time, .observer = recorder}).value();
  }
  Lines lines() const { return recorder->lines(zero); }
};

}  // namespace

TEST_CASE("trace: fused stages are told one by one, and parks by when they end", "[trace]") {
  World w;
  auto engine = w.start(from_int([&](Stream<int> s) {
    return s.then("a", plus_one).then("b", takes(w.time, 3ms)).then("c", twice).then("d", takes(w.time, 2ms));
  }));
  CHECK(engine.run(1, {.within = 1s}).value() == 7);
  CHECK(w.lines() == Lines{"1: a 0..0", "1: b 0..3", "1: c 3..3", "1: d 3..5"});
  const auto told = w.recorder->told();
  CHECK(told.front().kind == What::begun);
  CHECK(told.back().kind == What::answered);
  CHECK(told.back().request == 1);
  CHECK(told.back().at - told.back().began == 5ms);
}

TEST_CASE("trace: requests wait for their turn at a stage, and rows for their batch", "[trace]") {
  World w;
  auto engine = w.start(from_int([&](Stream<int> s) {
    const auto sum = [](Batch<int, int>& b) {
      for (std::size_t i = 0; i < b.size(); ++i) b.put(i, b.in(i) + static_cast<int>(b.size()));
    };
    return s.then("one", stage(takes(w.time, 2ms), {.serial = true})).then("all", stage(sum, {.max_batch = 4}));
  }));
  auto a = engine.submit(1), b = engine.submit(2);
  CHECK(b.get().value() == 4);
  CHECK(w.lines() == Lines{"1: wait for one 0..0", "2: wait for one 0..2", "1: one 0..2", "1: wait for all 2..2",
                           "1: all 2..2", "2: one 2..4", "2: wait for all 4..4", "2: all 4..4"});
  const auto told = w.recorder->told();
  CHECK(std::count_if(told.begin(), told.end(), [](const Told& t) { return t.kind == What::batched && t.arm == 1; }) ==
        2);
  CHECK(a.get().value() == 3);
}

TEST_CASE("trace: failures end what they fail, and elements belong to their request", "[trace]") {
  World w;
  auto engine = w.start(from_int([&](Stream<int> s) {
    auto all =
        each("e", s.then("v", count_up),
             from_int([&](Stream<int> x) { return x.then("slow", takes(w.time, 1ms)).then("not 2", fail_if(2)); }));
    return all.then("n", [](const std::vector<int>& v) { return static_cast<int>(v.size()); });
  }));
  CHECK(engine.submit(1).get().value() == 1);
  CHECK(!engine.submit(2).get());
  const auto lines = w.lines();
  CHECK(std::count(lines.begin(), lines.end(), "1: e[0].slow 0..1") == 1);
  CHECK(std::count_if(lines.begin(), lines.end(), [](const std::string& l) { return l.ends_with("bad_value"); }) == 1);
  CHECK(std::all_of(lines.begin(), lines.end(), [](const std::string& l) { return l[0] == '1' || l[0] == '2'; }));
}

TEST_CASE("trace: a call that came back to nobody is told as cancelled", "[trace]") {
  const auto recorder = std::make_shared<Recorder>();
  std::atomic<bool> began{false}, open{false};
  const auto wait_for = [](const std::atomic<bool>& word) {
    while (!word) std::this_thread::yield();
  };
  {
    const auto raced = from_int([&](Stream<int> s) {
      return race(
          "r", s, [&](int x) { return wait_for(began), x; }, [&](int x) { return began = true, wait_for(open), x; });
    });
    auto engine = start(raced, {.executor = pool_executor(2).value(), .observer = recorder}).value();
    CHECK(engine.submit(1).get().value() == 1);
    open = true;
  }
  const auto lines = recorder->told();
  const auto lost = std::find_if(lines.begin(), lines.end(), [](const Told& t) { return t.where == "r[1]"; });
  REQUIRE(lost != lines.end());
  CHECK(lost->kind == What::stage_ran);
  CHECK(lost->code == Code::cancelled);
  CHECK(lost->request == 1);
}

TEST_CASE("trace: who asks for outcomes hears of nothing else, and marks change no answer", "[trace]") {
  const auto flow = from_int([](Stream<int> s) { return s.then("a", plus_one).then("b", twice); });
  const auto outcomes = std::make_shared<Recorder>(Observer::Detail::outcomes);
  auto plain = start(flow, {.executor = pool_executor(1).value(), .observer = outcomes}).value();
  const auto stages = std::make_shared<Recorder>();
  auto traced = start(flow, {.executor = pool_executor(1).value(), .observer = stages}).value();
  for (int i = 0; i < 10; ++i) CHECK(plain.run(i).value() == traced.run(i).value());
  CHECK(outcomes->told().size() == 10);
  CHECK(stages->told().size() == 40);
  CHECK(plain.figures().instructions < traced.figures().instructions);
  CHECK(traced.replace(optimise(flow).value()).empty());
  CHECK(traced.run(1).value() == 4);
  CHECK(stages->told().back().request == 11);
}
