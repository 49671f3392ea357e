#include <optional>
#include <stdexcept>

#include "operators/scenario.h"
#include "tailrace/load/driver.h"

namespace operators {

namespace load = tailrace::load;

Load run_load(const MakeFor& make, double rate, std::size_t requests) {
  std::vector<std::optional<load::Done>> open(requests);
  const auto system = make([&](std::uint32_t number) { (*open[number])(); });
  const load::Submit send = [&](load::Done done) {
    open[done.number()] = done;
    system->send(static_cast<std::uint32_t>(done.number()));
  };
  const auto report = load::drive(load::Poisson{rate}, send, {.seed = 20261122, .requests = requests}).value();
  if (report.unanswered) throw std::runtime_error("a system left requests without an answer");
  Load result;
  for (const load::Sample& s : report.samples) result.latencies.push_back(static_cast<double>(s.latency.count()));
  result.lateness = static_cast<double>(report.lateness.at(.5).count());
  return result;
}

}  // namespace operators
