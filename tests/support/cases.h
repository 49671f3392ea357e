#pragma once
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/check.h"
#include "support/reference.h"
#include "support/settings.h"
#include "support/values.h"
#include "tailrace/flow/flow.h"

// The one table of semantic cases: what a pipeline means, by example. Each case names the sentences of
// docs/semantics.md that it checks. A flow's case is run by the reference and by the engine in every setting; a
// script's case, about time, threads and lifetime, by the engine in every setting.
namespace tailrace::test {

// An engine that runs one case, whatever its types.
class Running {
 public:
  virtual ~Running() = default;
  virtual std::string outcome(int in, Way way) = 0;
};

struct Case {
  std::string name;
  std::vector<std::string> sentences;
  // For each input the outcomes that are allowed, in words.
  std::vector<std::pair<int, std::vector<std::string>>> expected{};
  std::function<std::vector<std::string>(int in)> reference{};
  std::function<std::unique_ptr<Running>(const Setting&)> start{};
  std::function<void(const Setting&)> script{};  // instead of the three above
};

const std::vector<Case>& cases();

// ---- for those who write cases

template <class Out>
class RunningFlow final : public Running {
 public:
  RunningFlow(const Flow<int, Out>& flow, const Setting& setting)
      : engine_(setting.start(flow)), host_(setting.start(host())) {}
  std::string outcome(int in, Way way) override {
    switch (way) {
      case Way::run: return show(engine_.run(in));
      case Way::run_in_a_stage: return host_.submit(in).get().value();
      case Way::handle: return show(engine_.submit(in).get());
      case Way::callback: break;
    }
    std::string text;
    std::atomic<bool> called{false};
    auto status = engine_.submit(in, {}, [&](Outcome<Out> o) {
      text = show(o);
      called = true;
    });
    if (status && !eventually([&] { return called.load(); })) return "never called";
    return status ? text : show(status.error());
  }

 private:
  // A flow whose one stage asks the other engine.
  Flow<int, std::string> host() {
    return flow<int>("host",
                     [this](Stream<int> s) { return s.then("ask", [this](int in) { return show(engine_.run(in)); }); });
  }
  Engine<int, Out> engine_;
  Engine<int, std::string> host_;
};

template <class Out>
Case flow_case(std::string name, std::vector<std::string> sentences, const Flow<int, Out>& flow,
               std::vector<std::pair<int, std::vector<std::string>>> expected) {
  Case c{std::move(name), std::move(sentences), std::move(expected)};
  c.reference = [flow](int in) {
    std::vector<std::string> all;
    for (const auto& o : reference_outcomes(flow, in)) all.push_back(show(o));
    return all;
  };
  c.start = [flow](const Setting& setting) -> std::unique_ptr<Running> {
    return std::make_unique<RunningFlow<Out>>(flow, setting);
  };
  return c;
}
inline Case script_case(std::string name, std::vector<std::string> sentences,
                        std::function<void(const Setting&)> script) {
  Case c{std::move(name), std::move(sentences)};
  c.script = std::move(script);
  return c;
}

// Parts of the table, by topic.
void add_value_cases(std::vector<Case>& table);
void add_combinator_cases(std::vector<Case>& table);
void add_quorum_cases(std::vector<Case>& table);
void add_hedge_cases(std::vector<Case>& table);
void add_hedge_call_cases(std::vector<Case>& table);
void add_staged_cases(std::vector<Case>& table);
void add_each_cases(std::vector<Case>& table);
void add_error_cases(std::vector<Case>& table);
void add_request_cases(std::vector<Case>& table);
void add_inlining_cases(std::vector<Case>& table);
void add_admission_cases(std::vector<Case>& table);
void add_waiting_cases(std::vector<Case>& table);
void add_replace_cases(std::vector<Case>& table);
void add_deadline_cases(std::vector<Case>& table);
void add_cut_off_cases(std::vector<Case>& table);
void add_anytime_cases(std::vector<Case>& table);
void add_lifetime_cases(std::vector<Case>& table);
void add_memory_cases(std::vector<Case>& table);
void add_tick_cases(std::vector<Case>& table);
void add_async_cases(std::vector<Case>& table);
void add_station_cases(std::vector<Case>& table);
void add_order_cases(std::vector<Case>& table);
void add_overload_cases(std::vector<Case>& table);
void add_batch_cases(std::vector<Case>& table);
void add_batch_policy_cases(std::vector<Case>& table);
void add_timing_cases(std::vector<Case>& table);
void add_leaving_cases(std::vector<Case>& table);
void add_building_cases(std::vector<Case>& table);

}  // namespace tailrace::test
