// Metrics: every number by hand, names that need escaping, many threads, and a real parser where there is one.
#include "tailrace/trace/metrics.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "support/steps.h"
#include "tailrace/exec/pool.h"
#include "tailrace/exec/start.h"
#include "tailrace/trace/all.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;
using trace::Metrics;

namespace {

Event took(Event::Kind kind, std::string_view where, Duration duration, Code code = Code::none, std::uint32_t arm = 0) {
  const TimePoint began = TimePoint{} + 1s;
  return {kind, code, arm, where, {}, 1, began + duration, began};
}

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("metrics: requests are counted by outcome, stages by name, and times fall into their buckets") {
  Metrics m;
  m.on_event(took(Event::Kind::answered, "", 3ms));
  m.on_event(took(Event::Kind::answered, "", 1ms, Code::deadline_missed));
  m.on_event(took(Event::Kind::refused, "", 0ms, Code::overloaded));
  m.on_event(took(Event::Kind::stage_ran, "label", 1us));
  m.on_event(took(Event::Kind::stage_ran, "label", 1500ns));
  m.on_event(took(Event::Kind::completed, "label", 100s));
  m.on_event(took(Event::Kind::stage_ran, "label", 1us, Code::cancelled));
  m.on_event(took(Event::Kind::stage_failed, "label", 1us, Code::stage_failed));
  m.on_event(took(Event::Kind::arm_won, "r", 0ms, Code::none, 1));
  for (const std::uint32_t rows : {1u, 2u, 3u, 5000u})
    m.on_event(took(Event::Kind::batched, "b", 0ms, Code::none, rows));
  const std::string text = m.text();
  INFO(text);
  CHECK(has_line(text, "tailrace_requests_total{code=\"ok\"} 1"));
  CHECK(has_line(text, "tailrace_requests_total{code=\"deadline_missed\"} 1"));
  CHECK(has_line(text, "tailrace_requests_total{code=\"overloaded\"} 1"));
  CHECK(has_line(text, "tailrace_request_seconds_bucket{code=\"ok\",le=\"0.002\"} 0"));
  CHECK(has_line(text, "tailrace_request_seconds_bucket{code=\"ok\",le=\"0.005\"} 1"));
  CHECK(has_line(text, "tailrace_request_seconds_sum{code=\"ok\"} 0.003"));
  CHECK(has_line(text, "tailrace_stage_seconds_bucket{stage=\"label\",le=\"1e-06\"} 1"));
  CHECK(has_line(text, "tailrace_stage_seconds_bucket{stage=\"label\",le=\"2e-06\"} 2"));
  CHECK(has_line(text, "tailrace_stage_seconds_bucket{stage=\"label\",le=\"50\"} 2"));
  CHECK(has_line(text, "tailrace_stage_seconds_bucket{stage=\"label\",le=\"+Inf\"} 3"));
  CHECK(has_line(text, "tailrace_stage_seconds_count{stage=\"label\"} 3"));
  CHECK(has_line(text, "tailrace_stage_stopped_total{stage=\"label\"} 1"));
  CHECK(has_line(text, "tailrace_stage_failures_total{stage=\"label\",code=\"stage_failed\"} 1"));
  CHECK(has_line(text, "tailrace_winners_total{race=\"r\",arm=\"1\"} 1"));
  CHECK(has_line(text, "tailrace_batch_rows_bucket{stage=\"b\",le=\"1\"} 1"));
  CHECK(has_line(text, "tailrace_batch_rows_bucket{stage=\"b\",le=\"4\"} 3"));
  CHECK(has_line(text, "tailrace_batch_rows_bucket{stage=\"b\",le=\"2048\"} 3"));
  CHECK(has_line(text, "tailrace_batch_rows_count{stage=\"b\"} 4"));
  CHECK(has_line(text, "# TYPE tailrace_requests_total counter"));
  CHECK(has_line(m.text(Metrics::Format::open_metrics), "# TYPE tailrace_requests counter"));
  CHECK(m.text(Metrics::Format::open_metrics).ends_with("# EOF\n"));
}

TEST_CASE("metrics: no name breaks the text, and too many share one") {
  Metrics m(16);
  m.on_event(took(Event::Kind::stage_ran, "say \"hi\"\\\n", 1us));
  for (int i = 0; i < 100; ++i) m.on_event(took(Event::Kind::stage_ran, "stage " + std::to_string(i), 1us));
  const std::string text = m.text();
  const std::string odd = "stage=\"say \\\"hi\\\"\\\\\\n\"";
  CHECK(has_line(text, "tailrace_stage_seconds_count{" + odd + "} 1"));
  CHECK(has_line(text, "tailrace_stage_seconds_count{stage=\"(other)\"} 85"));
}

TEST_CASE("metrics: threads lose no count") {
  Metrics m;
  constexpr int each = 20000;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < each; ++i)
          m.on_event(took(Event::Kind::stage_ran, i % 2 ? "a" : "b" + std::to_string(t), 1us));
      });
  }
  const std::string text = m.text();
  CHECK(has_line(text, "tailrace_stage_seconds_count{stage=\"a\"} " + std::to_string(2 * each)));
  CHECK(has_line(text, "tailrace_stage_seconds_count{stage=\"b3\"} " + std::to_string(each / 2)));
}

TEST_CASE("metrics: an engine's numbers add up, and promtool can read them") {
  const auto metrics = std::make_shared<Metrics>();
  {
    auto engine = start(from_int([](Stream<int> s) {
                          return s.then("odd \"name\"", plus_one).then("not 3", stage(fail_if(3), {.serial = true}));
                        }),
                        {.executor = pool_executor(2).value(), .observer = metrics})
                      .value();
    for (int i = 0; i < 50; ++i) (void)engine.run(i % 5);
  }
  const std::string text = metrics->text();
  INFO(text);
  CHECK(has_line(text, "tailrace_requests_total{code=\"ok\"} 40"));
  CHECK(has_line(text, "tailrace_requests_total{code=\"bad_value\"} 10"));
  CHECK(has_line(text, "tailrace_stage_seconds_count{stage=\"odd \\\"name\\\"\"} 50"));
  CHECK(has_line(text, "tailrace_stage_seconds_count{stage=\"not 3\"} 40"));
  CHECK(has_line(text, "tailrace_wait_seconds_count{stage=\"not 3\"} 50"));
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
    WARN("promtool is not installed (Debian: prometheus): its parser was not asked");
    return;
  }
  const char* const path = "metrics_test.prom";
  std::ofstream(path) << text;
  CHECK(std::system("promtool check metrics < metrics_test.prom") == 0);
  std::ofstream(path) << text << "tailrace_requests_total{code=} 1\n";
  CHECK(std::system("promtool check metrics < metrics_test.prom >/dev/null 2>&1") != 0);
  std::remove(path);
}

TEST_CASE("all: each observer sees as much as it asks for") {
  struct Counts final : Observer {
    explicit Counts(Detail d) : wanted(d) {}
    Detail detail() const noexcept override { return wanted; }
    void on_event(const Event&) noexcept override { ++events; }
    const Detail wanted;
    std::atomic<int> events{0};
  };
  CHECK(trace::all({nullptr, nullptr}) == nullptr);
  const auto few = std::make_shared<Counts>(Observer::Detail::outcomes);
  const auto many = std::make_shared<Counts>(Observer::Detail::stages);
  CHECK(trace::all({nullptr, few}) == few);
  CHECK(trace::all({few, few})->detail() == Observer::Detail::outcomes);
  auto engine = start(from_int([](Stream<int> s) { return s.then("a", plus_one); }),
                      {.executor = pool_executor(1).value(), .observer = trace::all({few, nullptr, many})})
                    .value();
  (void)engine.run(1);
  CHECK(few->events == 1);   // answered
  CHECK(many->events == 3);  // begun, stage_ran, answered
}
