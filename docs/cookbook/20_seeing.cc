// Seeing what an engine does: metrics for a monitoring system, and a trace to look at in Perfetto.
#include <tailrace/tailrace.h>
#include <tailrace/trace/all.h>
#include <tailrace/trace/chrome.h>
#include <tailrace/trace/metrics.h>

#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace tr = tailrace;

namespace {

std::string trim(const std::string& line) { return line.substr(0, line.find_last_not_of(' ') + 1); }
int number(const std::string& word) { return std::stoi(word); }
int half(int x) { return x % 2 ? throw std::domain_error("odd") : x / 2; }

// The lines of a metrics page that are not times.
void print_counts(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line[0] != '#' && (line.find("_total") != line.npos || line.find("_count") != line.npos))
      std::cout << line << '\n';
}

}  // namespace

int main() {
  const auto flow = tr::flow<std::string>("halve", [](tr::Stream<std::string> line) {
    return line.then("trim", trim).then("number", number).then("half", tr::stage(half, {.serial = true}));
  });

  // An observer that asks for stages gets every call, of fused stages too, and every wait. TAILRACE_TRACE=trace.json in
  // the environment writes a file to open at ui.perfetto.dev; without it from_environment() is null, and all() leaves
  // it out. An engine without an observer spends nothing on any of this.
  const auto metrics = std::make_shared<tr::trace::Metrics>();
  {
    const tr::EngineOptions options{.observer = tr::trace::all({metrics, tr::trace::from_environment()})};
    auto engine = tr::start(flow, options).value();
    for (const char* line : {"8 ", "12", "seven", "7"}) (void)engine.run(line);
  }  // the trace is written when the engine is gone

  print_counts(metrics->text());  // what a page at /metrics would show
}
