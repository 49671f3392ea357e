// A queue on a virtual clock: the plan that would run live, its stages taking drawn times, under a drawn workload.
#include <tailrace/sim/service.h>
#include <tailrace/sim/simulate.h>
#include <tailrace/tailrace.h>

#include <cmath>
#include <cstdio>
#include <iostream>

namespace tr = tailrace;
namespace sim = tr::sim;
using namespace std::chrono_literals;

int main() {
  // One stage of 1 ms on average, exponential, and one worker: the textbook's M/M/1.
  const auto queue = tr::flow<int>(
      "queue", [](tr::Stream<int> x) { return x.then("serve", sim::service<int>(sim::exponential(1ms))); });
  const auto plan = tr::optimise(queue).value();
  std::puts("busy   mean, ms  formula   p99, ms  formula");
  for (const double rate : {200., 400., 600.}) {
    const auto report =
        sim::simulate(plan, sim::Workload<int>{tr::load::Poisson{rate}}, {.seed = 1, .requests = 400000}).value();
    const double left = 1000 - rate;  // the time in the system is exponential with this rate
    std::printf("%.1f    %8.2f  %7.2f  %8.1f  %7.1f\n", rate / 1000, 1e3 * tr::to_seconds(report.latency.mean),
                1e3 / left, 1e3 * tr::to_seconds(report.latency.p99), 1e3 * std::log(100.) / left);
  }

  // Something without a formula: bursts, stalls, a deadline, and a cheap answer for who cannot wait.
  const auto usual = sim::lognormal(2ms, .3), stall = sim::uniform(20ms, 60ms);
  const auto flow = tr::flow<int>("label", [&](tr::Stream<int> x) {
    const auto quick = sim::service<int>(sim::constant(200us));
    const auto large = sim::service<int>(sim::mixture({{.95, usual}, {.05, stall}}), {.seed = 3});
    const auto sure = [](const int& i) { return i % 4 != 0; };
    return tr::cascade("label", x, tr::exit_if(quick, sure), large);
  });
  const sim::Workload<int> bursts{tr::load::read_arrivals("mmpp:1500,300,100ms,400ms").value(),
                                  [](std::uint64_t n) { return static_cast<int>(n); },
                                  {.within = 10ms}};
  const auto report =
      sim::simulate(tr::optimise(flow).value(), bursts, {.seed = 1, .workers = 2, .requests = 20000}).value();
  std::cout << '\n' << sim::to_text(report);
}
