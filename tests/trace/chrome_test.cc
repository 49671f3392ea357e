// Traces: what Perfetto needs to draw one, checked by reading the JSON back.
#include "tailrace/trace/chrome.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/steps.h"
#include "tailrace/exec/pool.h"
#include "tailrace/exec/start.h"
#include "tailrace/sim/virtual_time.h"

using namespace tailrace;
using namespace tailrace::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

// Everything that an engine can tell of: fused and serial stages, a batch, a park, a race, a failure, a refusal.
json trace_of_everything() {
  const auto chrome = std::make_shared<trace::Chrome>();
  const auto time = sim::virtual_time({.workers = 2}).value();
  {
    const auto sum = [](Batch<int, int>& b) {
      for (std::size_t i = 0; i < b.size(); ++i) b.put(i, b.in(i));
    };
    const auto slow = [time](const int& x, Completion<int> done) {
      time->call_after(2ms, [x, done = std::move(done)]() mutable { done.complete(x); });
    };
    auto engine = start(from_int([&](Stream<int> s) {
                          return race("r", s.then("a", plus_one).then("slow \"one\"", slow), bang, same)
                              .then("serial", stage(fail_if(4), {.serial = true}))
                              .then("all", stage(sum, {.max_batch = 4}));
                        }),
                        {.max_in_flight = 2, .executor = time, .observer = chrome})
                      .value();
    auto a = engine.submit(1), b = engine.submit(3);
    (void)engine.submit(5).get();
    (void)a.get(), (void)b.get();
  }
  return json::parse(chrome->json());
}

std::vector<json> events(const json& trace, const std::string& phase, const std::string& name = "") {
  std::vector<json> found;
  for (const json& e : trace["traceEvents"])
    if (e["ph"] == phase && (name.empty() || e["name"] == name)) found.push_back(e);
  return found;
}

}  // namespace

TEST_CASE("chrome: calls are slices of threads, waits and requests spans, and arrows lead through a request") {
  const json trace = trace_of_everything();
  INFO(trace.dump(1));
  CHECK(events(trace, "X", "a").size() == 2);
  CHECK(events(trace, "X", "all").size() == 1);
  CHECK(events(trace, "X", "all")[0]["args"]["rows"] == 1);
  CHECK(events(trace, "X", "all")[0]["args"]["padded"] == 1);
  const auto slow = events(trace, "b", "slow \"one\"");
  REQUIRE(slow.size() == 2);
  CHECK(events(trace, "b", "request").size() == 2);
  CHECK(events(trace, "b", "waiting").size() == 3);  // one fails before the second queue
  CHECK(events(trace, "i", "refused").size() == 1);
  CHECK(events(trace, "i", "r")[0]["args"]["winner"] == 1);
  const auto failed = events(trace, "X", "serial");
  CHECK(std::count_if(failed.begin(), failed.end(), [](const json& e) { return e["args"].contains("error"); }) == 1);
  CHECK(events(trace, "s").size() == 2);
  CHECK(events(trace, "t").size() >= 4);
  CHECK(trace["otherData"]["dropped_events"] == 0);
}

TEST_CASE("chrome: every span that begins ends, later, and times are in microseconds") {
  const json trace = trace_of_everything();
  std::map<int, double> open;
  for (const json& e : trace["traceEvents"]) {
    if (e["ph"] == "b") open[e["id"]] = e["ts"];
    if (e["ph"] != "e") continue;
    REQUIRE(open.contains(e["id"]));
    CHECK(e["ts"] >= open[e["id"]]);
    if (e["name"] == "slow \"one\"") CHECK(e["ts"] == open[e["id"]] + 2000.0);
    open.erase(e["id"]);
  }
  CHECK(open.empty());
  for (const json& e : trace["traceEvents"])
    if (e["ph"] != "M") CHECK(e["ts"] >= 0.0);
}

TEST_CASE("chrome: what is too much is counted, and no text breaks the file") {
  trace::Chrome chrome(1);
  const TimePoint now = Clock::now();
  chrome.on_event({Event::Kind::stage_failed, Code::stage_failed, 0, "\xff\"\n", "no\x01\\", 1, now, now});
  chrome.on_event({Event::Kind::late, Code::none, 0, {}, {}, 0, now});
  const json trace = json::parse(chrome.json());
  CHECK(trace["otherData"]["dropped_events"] == 1);
  CHECK(events(trace, "X")[0]["args"]["error"] == "no\x01\\");
  CHECK(json::parse(trace::Chrome().json())["traceEvents"].empty());
}

TEST_CASE("chrome: a trace goes to the file that the environment names, when its engine is gone") {
  const std::string path = "chrome_test.json";
  CHECK(::unsetenv("TAILRACE_TRACE") == 0);
  CHECK(trace::from_environment() == nullptr);
  CHECK(::setenv("TAILRACE_TRACE", path.c_str(), 1) == 0);
  {
    auto engine = start(from_int([](Stream<int> s) { return s.then("a", plus_one); }),
                        {.executor = pool_executor(1).value(), .observer = trace::from_environment()})
                      .value();
    CHECK(engine.run(1).value() == 2);
  }
  CHECK(::unsetenv("TAILRACE_TRACE") == 0);
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  CHECK(events(json::parse(text.str()), "X", "a").size() == 1);
  std::remove(path.c_str());
}

TEST_CASE("chrome: a file that cannot be written is an error with a reason") {
  const Problems p = trace::Chrome().write("/no/such/folder/trace.json");
  REQUIRE(p.size() == 1);
  CHECK(p.code() == Code::bad_file);
  CHECK(p.where() == "/no/such/folder/trace.json");
  CHECK(p.what().find("No such file") != std::string::npos);
  const auto problems = std::make_shared<Problems>();
  trace::to_file("/no/such/folder/trace.json", problems).reset();
  CHECK(problems->size() == 1);
}
